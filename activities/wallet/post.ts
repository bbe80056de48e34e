/** The one door to money for workflows' activities: a command decided and written inside the caller's transaction. */
import type { Trx } from '#db/connect.ts';
import type { Units } from '#domain/money.ts';
import type { Result } from '#domain/failures.ts';

/** Journal codes that activities may ask for, with what each needs to know. */
export type Transfer =
  | { readonly code: 'deposit.capture'; readonly psp: string }
  | { readonly code: 'withdrawal.reserve' }
  | { readonly code: 'withdrawal.settle'; readonly psp: string }
  | { readonly code: 'withdrawal.release' }
  | {
      readonly code: 'bonus.award';
      readonly awardId: string;
      readonly wagering: Units;
      readonly betMax: Units | null;
      readonly expiresAt: Date;
    }
  | { readonly code: 'bonus.convert'; readonly awardId: string }
  | { readonly code: 'bonus.forfeit'; readonly awardId: string };

export type TransferCommand = {
  /** Idempotency key made of business ids, such as `deposit:{id}:capture`; unique for ever. */
  readonly key: string;
  readonly playerId: string;
  readonly asset: string;
  /** Units at ledger scale, greater than zero. Ignored by bonus.convert and bonus.forfeit, which move what is there. */
  readonly amount: Units;
  /** `{noun}:{id}` of the payment or award behind it. */
  readonly subject: string;
  readonly transfer: Transfer;
};

export type Posted = {
  readonly journalId: string;
  /** True when the key had been posted before; nothing moved this time. */
  readonly repeated: boolean;
  readonly cash: Units;
  readonly bonus: Units;
  readonly held: Units;
};

/**
 * Posts one journal in `trx`. Failures: `insufficient-funds`, `wallet-not-found`, `award-not-active`, `award-active`,
 * `duplicate-transaction` (same key, other content). Takes the player's wallet row lock until the transaction ends.
 */
export async function postTransfer(_trx: Trx, _command: TransferCommand): Promise<Result<Posted>> {
  throw new Error('not yet written');
}
