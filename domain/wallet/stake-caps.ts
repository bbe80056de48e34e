/** The largest single stake: of the player, of the game, and of the game in the player's jurisdiction. The lowest holds. */
import { fail, type Failure } from '../failures.ts';
import type { Units } from '../money.ts';
import type { WalletState } from './state.ts';

export type StakeCap = {
  /** Null for players of every jurisdiction. */
  readonly jurisdiction: string | null;
  readonly asset: string;
  readonly amount: Units;
};

/** `stake-too-large` for a stake above a cap that applies to this wallet, or null. The cap itself may be staked. */
export function refuseLargeStake(
  state: WalletState,
  stake: { readonly amount: Units; readonly stakeCaps?: readonly StakeCap[] | undefined },
): Failure | null {
  const { amount, stakeCaps } = stake;
  if (state.stakeMax !== null && amount > state.stakeMax) {
    return fail('stake-too-large', 'The stake is above the largest that this player may place.').failure;
  }
  const exceeded = stakeCaps?.some(
    (cap) =>
      cap.asset === state.asset &&
      (cap.jurisdiction === null || cap.jurisdiction === state.jurisdiction) &&
      amount > cap.amount,
  );
  return exceeded
    ? fail('stake-too-large', 'The stake is above the largest that this game admits.').failure
    : null;
}
