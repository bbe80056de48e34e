/** What the signer refuses, whoever asks and however: it looks at the order alone and trusts nobody's word about it. */
import { encodeFunctionData, erc20Abi, getAddress, type Address, type Hex } from 'viem';
import type { SignOrder } from '#activities/payments/evm/signer-client.ts';

export type SignerRules = {
  readonly chainId: number;
  /** Asset by contract. */
  readonly contracts: ReadonlyMap<Address, string>;
  readonly coin: string;
  /** Most that one payout may move, in the chain's integers, by asset; an asset without one is not paid out. */
  readonly payoutMax: ReadonlyMap<string, bigint>;
  readonly maxFeePerGas: bigint;
  readonly gasMax: bigint;
  readonly hotWallet: Address;
};

export type Ruling =
  | {
      readonly kind: 'sign';
      readonly to: Address;
      readonly data: Hex;
      readonly value: bigint;
      readonly asset: string;
    }
  | { readonly kind: 'refuse'; readonly error: string; readonly detail: string };

const refuse = (error: string, detail: string): Ruling => ({ kind: 'refuse', error, detail });

/**
 * Rules on an order. From a player's address money goes to the hot wallet only; from the hot wallet anywhere, up to the
 * cap. The call data are made here, so that nothing but a transfer can ever be signed.
 */
export function ruleOn(order: SignOrder, rules: SignerRules): Ruling {
  if (order.chainId !== rules.chainId)
    return refuse('wrong-chain', `This signer is for chain ${rules.chainId}.`);
  const contract = order.contract === null ? null : getAddress(order.contract);
  const asset = contract === null ? rules.coin : rules.contracts.get(contract);
  if (asset === undefined) return refuse('unlisted-contract', 'The contract is not on the list.');
  const recipient = getAddress(order.to);
  const amount = BigInt(order.rawAmount);
  if (order.branch === 0) {
    if (recipient !== rules.hotWallet)
      return refuse('not-a-sweep', 'A player’s address pays to the hot wallet only.');
  } else {
    if (order.index !== 0) return refuse('unknown-wallet', 'There is one hot wallet.');
    const max = rules.payoutMax.get(asset);
    if (max === undefined || amount > max)
      return refuse('above-cap', `More ${asset} than one payout may move.`);
  }
  if (BigInt(order.maxFeePerGas) > rules.maxFeePerGas)
    return refuse('fee-too-high', 'The fee is above the ceiling.');
  if (BigInt(order.maxPriorityFeePerGas) > BigInt(order.maxFeePerGas))
    return refuse('fee-too-high', 'The tip is above the whole fee.');
  if (BigInt(order.gas) > rules.gasMax)
    return refuse('gas-too-high', 'A transfer does not need so much gas.');
  return contract === null
    ? { kind: 'sign', to: recipient, data: '0x', value: amount, asset }
    : {
        kind: 'sign',
        to: contract,
        data: encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [recipient, amount] }),
        value: 0n,
        asset,
      };
}
