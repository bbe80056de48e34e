/** Addresses from an extended public key: no private key is near, so whoever reads this process can take nothing. */
import { createHash, ECDH } from 'node:crypto';
import { getAddress, isAddress, type Address } from 'viem';
import { HDKey, publicKeyToAddress } from 'viem/accounts';
import { fail, succeed, type Result } from '#domain/failures.ts';

/** Below the account: addresses that players pay to, and the one that pays them. */
export const playerBranch = 0;
export const hotWalletBranch = 1;

/** Names an extended key without telling it. */
export const keyIdOf = (xpub: string): string => createHash('sha256').update(xpub).digest('hex').slice(0, 16);

/** Throws for a key that cannot be read, or that is private: that one must never be here. */
export function openXpub(xpub: string): HDKey {
  const key = HDKey.fromExtendedKey(xpub);
  if (key.privateKey !== null)
    throw new Error('The extended key is private: only its public half belongs here.');
  return key;
}

/** About 3 ms each, so that what was derived is kept in the database. */
export function deriveAddress(account: HDKey, branch: number, index: number): Address {
  const { publicKey } = account.deriveChild(branch).deriveChild(index);
  if (publicKey === null) throw new Error('Invariant broken: a derived key has no public half');
  const whole = ECDH.convertKey(publicKey, 'secp256k1', undefined, 'hex', 'uncompressed');
  return publicKeyToAddress(`0x${String(whole)}`);
}

export const hotWalletOf = (xpub: string): Address => deriveAddress(openXpub(xpub), hotWalletBranch, 0);

/**
 * Reads an address as a person gives it. A mixed-case address whose checksum (EIP-55) is wrong has a typing error in
 * it, and money sent there is gone; one in a single case has no checksum, and could have one unseen: both are refused.
 */
export function parseEvmAddress(text: string): Result<Address> {
  const trimmed = text.trim();
  if (!/^0x[0-9a-fA-F]{40}$/.test(trimmed))
    return fail('invalid-request', 'An address is 0x and 40 hexadecimal digits.');
  if (!isAddress(trimmed, { strict: true }) || trimmed !== getAddress(trimmed))
    return fail(
      'invalid-address-checksum',
      'The checksum of the address is wrong: copy it again, with its capital letters.',
    );
  return succeed(getAddress(trimmed));
}
