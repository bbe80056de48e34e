/** Who may take a ramp, and what limits and lists say to it: asked when a quote is given and again when it is accepted. */
import { admitPlayer } from './admission.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { Database, Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import type { RampDirection } from '#domain/payments/ramp.ts';
import type { PaymentOrigin } from './commands/request-deposit.ts';
import { hasDepositLimit } from './commands/crypto-addresses.ts';
import { judgePayment, type JudgedPayment } from './judge-payment.ts';
import { readPayer } from './payer-facts.ts';

export type RampWish = {
  readonly playerId: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly direction: RampDirection;
  readonly payAsset: string;
  /** Units of the paid asset. */
  readonly pay: bigint;
  readonly receiveAsset: string;
  readonly origin: PaymentOrigin;
};

/**
 * Into another asset only who could pay in, and where the law wants a limit first, with one in the asset that is received:
 * limits are kept per asset. Out of crypto is a way home, which an exclusion does not close. Failures: those of
 * `admitPlayer`, `deposit-limit-required`.
 */
export async function admitExchange(
  db: Database,
  wish: Pick<RampWish, 'playerId' | 'brand' | 'jurisdiction' | 'payAsset' | 'receiveAsset'>,
  { isWayHome }: { readonly isWayHome: boolean },
): Promise<Result<null>> {
  if (isWayHome) return succeed(null);
  const admitted = await admitPlayer(db, { ...wish, money: { asset: wish.payAsset } });
  if (!admitted.ok) return admitted;
  const isLimitRequired = admitted.value.profile.depositLimitRequiredBeforeFirstDeposit;
  return isLimitRequired && !(await hasDepositLimit(db, wish.playerId, wish.receiveAsset))
    ? fail('deposit-limit-required', `Set a deposit limit in ${wish.receiveAsset} first.`)
    : succeed(null);
}

/** As `admitExchange`. */
export const admitRamp = (db: Database, wish: RampWish): Promise<Result<null>> =>
  admitExchange(db, wish, { isWayHome: wish.direction === 'off-ramp' });

export async function judgeRamp(
  trx: Trx,
  rules: readonly PaymentRule[],
  wish: RampWish,
): Promise<JudgedPayment> {
  const facts = await readPayer(trx, { ...wish.origin, playerId: wish.playerId, tokens: [] });
  return judgePayment(rules, facts, {
    flow: 'ramp',
    method: wish.direction,
    playerId: wish.playerId,
    brand: wish.brand,
    jurisdiction: wish.jurisdiction,
    asset: wish.payAsset,
    amount: wish.pay,
    kycLevel: await readKycLevel(trx, wish.playerId),
    ip: wish.origin.ip,
  });
}
