// Opens a SMART Health Link and prints the resources that it leads to.
import { SHLViewer } from 'kill-the-clipboard';

const [shlinkURI, passcode, max] = process.argv.slice(1);
const viewer = new SHLViewer({ shlinkURI });
const asked = { recipient: 'another viewer' };
if (passcode !== '-') asked.passcode = passcode;
if (max !== '-') asked.embeddedLengthMax = Number(max);
const { fhirResources } = await viewer.resolveSHL(asked);
console.log(JSON.stringify(fhirResources));
