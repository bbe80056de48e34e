/** Lists and limits of a withdrawal: asked and counted with its request, and the lists once more before it is paid. */
import type { Trx } from '#db/connect.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { ListHit } from '#domain/payments/lists.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import type { Refusal } from '#domain/payments/uses.ts';
import { judgePayment } from './judge-payment.ts';
import { readPayer, type PayerFacts } from './payer-facts.ts';
import { takeUses } from './payment-uses.ts';

type CountedWithdrawal = {
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly jurisdiction: string;
  readonly asset: string;
  /** Units at ledger scale. */
  readonly amount: bigint;
  readonly instrumentId: string;
  readonly sessionId: string | null;
  readonly ip: string | null;
};

/** Null when nothing is against it; its uses are then written and settled by its own states. */
export async function countWithdrawal(
  trx: Trx,
  rules: readonly PaymentRule[],
  withdrawal: CountedWithdrawal,
): Promise<Refusal | null> {
  const { playerId, ip } = withdrawal;
  const { facts, method } = await payeeOf(trx, withdrawal);
  const payment = { ...withdrawal, flow: 'withdrawal', method } as const;
  const kycLevel = await readKycLevel(trx, playerId);
  const judged = judgePayment(rules, facts, { ...payment, kycLevel });
  if (judged.refusal !== null) return judged.refusal;
  return takeUses(
    trx,
    {
      ...payment,
      ...judged.payer,
      payment: `withdrawal:${withdrawal.withdrawalId}`,
      number: 1,
      psp: null,
      // Tries at a card are counted where money comes in.
      cardIds: [],
      tokens: [],
      ip,
    },
    judged.guards,
  );
}

/** Entries that match a withdrawal now, whoever signed in for it. */
export async function listedNow(
  trx: Trx,
  row: { readonly playerId: string; readonly instrumentId: string },
): Promise<readonly ListHit[]> {
  const { facts } = await payeeOf(trx, { ...row, sessionId: null, ip: null });
  return facts?.listed ?? [];
}

async function payeeOf(
  trx: Trx,
  question: Pick<CountedWithdrawal, 'playerId' | 'instrumentId' | 'sessionId' | 'ip'>,
): Promise<{ facts: PayerFacts | null; method: 'card' | 'bank-transfer' }> {
  const instrument = await trx
    .selectFrom('payments.instrument')
    .select(['kind', 'token'])
    .where('id', '=', question.instrumentId)
    .executeTakeFirstOrThrow();
  const isAccount = instrument.kind === 'bank-account';
  // The token of a bank account is the keyed hash of its IBAN, which is what lists hold.
  const more = isAccount ? [{ kind: 'iban', key: instrument.token } as const] : [];
  const facts = await readPayer(trx, { ...question, tokens: isAccount ? [] : [instrument.token], more });
  return { facts, method: isAccount ? 'bank-transfer' : 'card' };
}
