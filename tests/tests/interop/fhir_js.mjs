// Holds every file of a folder against FHIR R4 and the codes that it requires with FHIR.js, and
// prints what it finds: a line of JSON for each.
import fhir from 'fhir';
import { readdirSync, readFileSync } from 'node:fs';

const validator = new fhir.Fhir();
const [folder] = process.argv.slice(1);
for (const file of readdirSync(folder).sort()) {
  const whole = JSON.parse(readFileSync(`${folder}/${file}`));
  const parts = (whole.entry ?? []).map((e) => e.resource).filter(Boolean);
  for (const resource of [whole, ...parts]) {
    const { messages } = validator.validate(resource, { errorOnUnexpected: true });
    for (const { location: at, message: what, severity } of messages) {
      if (severity === 'error' || severity === 'fatal') console.log(JSON.stringify({ file, at, what }));
    }
  }
}
