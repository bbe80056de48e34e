/** Keys of signed notes as a witness needs them: it checks the log's Ed25519 signature and gives cosignatures (C2SP). */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

const typeOfLog = 1;
const typeOfCosignature = 4;

const publicKeyOf = (raw: Uint8Array) =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') },
    format: 'jwk',
  });

const keyId = (name: string, key: Uint8Array): Buffer =>
  createHash('sha256').update(`${name}\n`).update(key).digest().subarray(0, 4);

export interface Note {
  text: string;
  signatures: { name: string; value: Buffer }[];
}

export function readNote(note: string): Note | null {
  const end = note.lastIndexOf('\n\n');
  if (end < 0) return null;
  const lines = note
    .slice(end + 2)
    .split('\n')
    .filter((line) => line !== '');
  const signatures = lines.map((line) => {
    const [dash, name, base64] = line.split(' ');
    return dash === '\u2014' && name && base64 ? { name, value: Buffer.from(base64, 'base64') } : null;
  });
  const known = signatures.filter((signature) => signature !== null);
  return known.length === signatures.length ? { text: note.slice(0, end + 1), signatures: known } : null;
}

/** True when the holder of the verifier key (`name+id+key`) signed the note. */
export function isSignedBy(note: Note, vkey: string): boolean {
  const [name = '', id = '', ...rest] = vkey.split('+');
  const key = Buffer.from(rest.join('+'), 'base64');
  if (key[0] !== typeOfLog || keyId(name, key).toString('hex') !== id) return false;
  return note.signatures.some(
    (signature) =>
      signature.name === name &&
      signature.value.subarray(0, 4).toString('hex') === id &&
      verify(null, Buffer.from(note.text), publicKeyOf(key.subarray(1)), signature.value.subarray(4)),
  );
}

export interface Cosigner {
  vkey: string;
  /** The line that goes below a checkpoint: it was seen at that time, and continues all that were seen before. */
  cosign(text: string, timeS: number): string;
}

export function createCosigner(name: string, seed: Buffer): Cosigner {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex');
  const privateKey = createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const key = Buffer.concat([Buffer.of(typeOfCosignature), raw]);
  const id = keyId(name, key);
  return {
    vkey: `${name}+${id.toString('hex')}+${key.toString('base64')}`,
    cosign(text, timeS) {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(timeS));
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${timeS}\n${text}`), privateKey);
      return `\u2014 ${name} ${Buffer.concat([id, time, signature]).toString('base64')}`;
    },
  };
}
