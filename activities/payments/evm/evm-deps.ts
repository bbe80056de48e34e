/** What the parts of crypto stand on: one chain with its node, our public key on it, and the signer. */
import { getAddress, type Address } from 'viem';
import type { HDKey } from 'viem/accounts';
import { chainOf, type Chain } from '#domain/payments/crypto/chains.ts';
import { openChain, type ChainAccount, type ChainClient } from './chain-client.ts';
import { deriveAddress, hotWalletBranch, keyIdOf, openXpub } from './derive-address.ts';
import { openSigner, type Signer, type SignerAccount } from './signer-client.ts';

/** The name of this way of payment in journals, attempts and instruments. */
export const evmPsp = 'evm';

export type Evm = {
  readonly chain: Chain;
  readonly chainId: number;
  readonly node: ChainClient;
  readonly account: HDKey;
  readonly keyId: string;
  readonly hotWallet: Address;
  /** Contract by asset; the chain's own coin has none. */
  readonly contractOf: ReadonlyMap<string, Address>;
  readonly assetOf: ReadonlyMap<string, string>;
  /** Null where only deposits are taken. */
  readonly signer: Signer | null;
};

export function openEvm(given: ChainAccount & { readonly signer: SignerAccount | null }): Evm {
  const account = openXpub(given.xpub);
  const listed = given.tokens.map(({ asset, contract }) => [asset, getAddress(contract)] as const);
  return {
    chain: chainOf(given.chain),
    chainId: given.chainId,
    node: openChain(given),
    account,
    keyId: keyIdOf(given.xpub),
    hotWallet: deriveAddress(account, hotWalletBranch, 0),
    contractOf: new Map(listed),
    assetOf: new Map(listed.map(([asset, contract]) => [contract, asset])),
    signer: given.signer === null ? null : openSigner(given.signer),
  };
}

/** The asset of a contract (or, null, of the coin); null for money that is not taken. */
export const assetAt = (evm: Evm, contract: string | null): string | null =>
  contract === null ? evm.chain.coin : (evm.assetOf.get(contract) ?? null);
