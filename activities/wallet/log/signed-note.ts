/** Signing and checking notes (C2SP signed-note) with Ed25519 keys, in the spelling that other people's tools read. */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { noteText, parseNote } from '#domain/wallet/checkpoint.ts';

/** Types of signatures, as C2SP numbers them. */
const ed25519 = 1;
const cosignatureV1 = 4;
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

export type NoteSigner = {
  /** Name of the key, which for the log is its origin. */
  readonly name: string;
  /** `name+id+key`: what is published and given to those who check. */
  readonly vkey: string;
  /** The note around `text`, which ends with a line break. */
  sign(text: string): string;
};

const keyIdOf = (name: string, key: Buffer): Buffer =>
  createHash('sha256').update(`${name}\n`).update(key).digest().subarray(0, 4);

/** A signer of the 32 secret bytes of an Ed25519 key. */
export function createNoteSigner(name: string, secret: Buffer): NoteSigner {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Head, secret]),
    format: 'der',
    type: 'pkcs8',
  });
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const key = Buffer.concat([Buffer.from([ed25519]), raw]);
  const id = keyIdOf(name, key);
  return {
    name,
    vkey: `${name}+${id.toString('hex')}+${key.toString('base64')}`,
    sign: (text) => {
      const value = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString('base64');
      return noteText({ text, signatures: [{ name, value }] });
    },
  };
}

export type PublicKey = { readonly name: string; readonly id: Buffer; readonly key: KeyObject };

const vkeyForm = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/;

/** Reads a verifier key of an Ed25519 signature or of a cosignature; its id must be the one of name and key. */
export function parseVkey(vkey: string, use: 'signature' | 'cosignature' = 'signature'): Result<PublicKey> {
  const [, name, idHex, base64] = vkeyForm.exec(vkey.trim()) ?? [];
  const key = Buffer.from(base64 ?? '', 'base64');
  const type = use === 'signature' ? ed25519 : cosignatureV1;
  if (
    name === undefined ||
    key.length !== 33 ||
    key[0] !== type ||
    keyIdOf(name, key).toString('hex') !== idHex
  ) {
    return fail(
      'invalid-request',
      'The public key is not of the form name+id+key of an Ed25519 signed note.',
    );
  }
  const spki = Buffer.concat([spkiHead, key.subarray(1)]);
  return succeed({
    name,
    id: keyIdOf(name, key),
    key: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  });
}

/** The text of a note that the key has signed; `invalid-signature` when it has not. */
export function openNote(note: string, vkey: string): Result<string> {
  const [parsed, known] = [parseNote(note), parseVkey(vkey)];
  if (!parsed.ok) return parsed;
  if (!known.ok) return known;
  const { name, id, key } = known.value;
  const isSigned = parsed.value.signatures.some((signature) => {
    const value = Buffer.from(signature.value, 'base64');
    return (
      signature.name === name &&
      value.subarray(0, 4).equals(id) &&
      verify(null, Buffer.from(parsed.value.text), key, value.subarray(4))
    );
  });
  return isSigned
    ? succeed(parsed.value.text)
    : fail('invalid-signature', `No signature of ${name}+${id.toString('hex')} fits the note.`);
}
