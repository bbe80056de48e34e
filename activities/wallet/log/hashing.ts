/** The two hashes of RFC 6962: leaves and nodes have different prefixes, so that neither can stand for the other. */
import { createHash, hash } from 'node:crypto';
import type { HashNode } from '#domain/wallet/merkle.ts';

const leafPrefix = Buffer.from([0]);
const nodeBytes = 65;

/** SHA-256 over `0x00 ‖ leaf`. */
export const hashLeaf = (leaf: string | Uint8Array): Buffer =>
  createHash('sha256').update(leafPrefix).update(leaf).digest();

export const hashNode: HashNode = (left, right) => {
  const bytes = Buffer.allocUnsafe(nodeBytes);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 33);
  return hash('sha256', bytes, 'buffer');
};
