/**
 * An independent reader of the ledger's proofs, written from the texts of RFC 6962, RFC 9162 and C2SP alone. It shares
 * no line with the product, so that an error made there cannot hide here.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const leafHashOf = (leaf: string | Uint8Array): Buffer => sha256(Buffer.of(0), Buffer.from(leaf));
const parentOf = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

/** MTH(D[n]), RFC 6962, 2.1, word by word; of leaf hashes. */
export function treeHash(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  const [only] = leaves;
  if (leaves.length === 1 && only) return Buffer.from(only);
  let k = 1;
  while (k << 1 < leaves.length) k <<= 1;
  return parentOf(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** RFC 9162, 2.1.3.2. */
export function provesInclusion(proof: {
  leafHash: Uint8Array;
  index: number;
  size: number;
  path: readonly Uint8Array[];
  root: Uint8Array;
}): boolean {
  if (proof.index >= proof.size) return false;
  let fn = BigInt(proof.index);
  let sn = BigInt(proof.size) - 1n;
  let r: Buffer = Buffer.from(proof.leafHash);
  for (const p of proof.path) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      r = parentOf(p, r);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      r = parentOf(r, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && r.equals(proof.root);
}

/** RFC 9162, 2.1.4.2. */
export function provesConsistency(proof: {
  first: number;
  firstRoot: Uint8Array;
  second: number;
  secondRoot: Uint8Array;
  path: readonly Uint8Array[];
}): boolean {
  const { first, second } = proof;
  if (first === second)
    return proof.path.length === 0 && Buffer.from(proof.firstRoot).equals(proof.secondRoot);
  if (first < 1 || first > second || proof.path.length === 0) return false;
  const path = (first & (first - 1)) === 0 ? [proof.firstRoot, ...proof.path] : [...proof.path];
  let fn = BigInt(first) - 1n;
  let sn = BigInt(second) - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  const [start, ...rest] = path;
  if (start === undefined) return false;
  let [fr, sr]: [Buffer, Buffer] = [Buffer.from(start), Buffer.from(start)];
  for (const c of rest) {
    if (sn === 0n) return false;
    if ((fn & 1n) === 1n || fn === sn) {
      [fr, sr] = [parentOf(c, fr), parentOf(c, sr)];
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = parentOf(sr, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return fr.equals(proof.firstRoot) && sr.equals(proof.secondRoot) && sn === 0n;
}

/** Size and root of a signed checkpoint, or null when the verifier key (`name+id+key`) did not sign it. */
export function readSignedCheckpoint(
  note: string,
  vkey: string,
): { origin: string; size: number; root: Buffer } | null {
  const name = vkey.slice(0, vkey.indexOf('+'));
  const key = Buffer.from(vkey.slice(vkey.indexOf('+', name.length + 1) + 1), 'base64');
  const id = sha256(Buffer.from(`${name}\n`), key).subarray(0, 4);
  const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') },
    format: 'jwk',
  });
  const isSigned = note
    .slice(text.length + 1)
    .split('\n')
    .some((line) => {
      const [dash, signer, base64] = line.split(' ');
      const value = Buffer.from(base64 ?? '', 'base64');
      return (
        dash === '\u2014' &&
        signer === name &&
        value.subarray(0, 4).equals(id) &&
        verify(null, Buffer.from(text), publicKey, value.subarray(4))
      );
    });
  const [origin = '', size = '', root = ''] = text.split('\n');
  return isSigned ? { origin, size: Number(size), root: Buffer.from(root, 'base64') } : null;
}
