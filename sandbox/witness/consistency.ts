/** The witness's own mathematics (RFC 9162, 2.1.4.2): it believes nobody that one tree continues another. */
import { createHash } from 'node:crypto';

const parentOf = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();

export interface ConsistencyClaim {
  oldSize: number;
  oldRoot: Buffer;
  newSize: number;
  newRoot: Buffer;
  proof: readonly Buffer[];
}

/** True when the proof leads from both ends to the same two roots; sizes are safe integers. */
export function isConsistent({ oldSize, oldRoot, newSize, newRoot, proof }: ConsistencyClaim): boolean {
  if (oldSize > newSize) return false;
  if (oldSize === newSize) return proof.length === 0 && oldRoot.equals(newRoot);
  if (oldSize === 0) return proof.length === 0;
  let place = BigInt(oldSize) - 1n;
  let last = BigInt(newSize) - 1n;
  while ((place & 1n) === 1n) {
    place >>= 1n;
    last >>= 1n;
  }
  // A complete tree is its own first node.
  const nodes = place === 0n ? [oldRoot, ...proof] : [...proof];
  const start = nodes.shift();
  if (start === undefined) return false;
  let [fromOld, fromNew]: [Buffer, Buffer] = [start, start];
  for (const node of nodes) {
    if (last === 0n) return false;
    if ((place & 1n) === 1n || place === last) {
      fromOld = parentOf(node, fromOld);
      fromNew = parentOf(node, fromNew);
      while ((place & 1n) === 0n && place !== 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      fromNew = parentOf(fromNew, node);
    }
    place >>= 1n;
    last >>= 1n;
  }
  return last === 0n && fromOld.equals(oldRoot) && fromNew.equals(newRoot);
}
