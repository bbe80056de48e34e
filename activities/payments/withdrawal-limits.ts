/** Lists and limits of a withdrawal: asked and counted with its request, and the lists once more before it is paid. */
import type { Trx } from '#db/connect.ts';
import { readKycLevel } from '#activities/kyc/commands/levels.ts';
import type { ListHit } from '#domain/payments/lists.ts';
import type { PaymentRule } from '#domain/payments/payment-rules.ts';
import { neutralRefusal, type Refusal } from '#domain/payments/uses.ts';
import { judgePayment } from './judge-payment.ts';
import { readPayer, type PayerFacts } from './payer-facts.ts';
import { takeUses } from './payment-uses.ts';

type CountedWithdrawal = {
  readonly withdrawalId: string;
  readonly playerId: string;
  readonly brand: string;
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
  const { facts, method, isHidden } = await payeeOf(trx, withdrawal);
  if (isHidden) return neutralRefusal('address-without-list-key');
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
  const { facts, isHidden } = await payeeOf(trx, { ...row, sessionId: null, ip: null });
  const listed = facts?.listed ?? [];
  // Asked for before lists knew addresses: a person looks.
  return isHidden ? [...listed, { id: 'unknown', list: 'grey', kind: 'crypto-address', skips: [] }] : listed;
}

/** As rules and limits name it. */
export function methodOfInstrument(kind: string): Payee['method'] {
  switch (kind) {
    case 'crypto-address':
      return 'crypto';
    case 'bank-account':
      return 'bank-transfer';
    case 'e-wallet':
      return 'e-wallet';
    default:
      return 'card';
  }
}

type Payee = {
  readonly facts: PayerFacts | null;
  readonly method: 'card' | 'e-wallet' | 'bank-transfer' | 'crypto';
  /** An address that was kept before lists knew addresses: it cannot be looked up until it is kept anew. */
  readonly isHidden: boolean;
};

async function payeeOf(
  trx: Trx,
  question: Pick<CountedWithdrawal, 'playerId' | 'instrumentId' | 'sessionId' | 'ip'>,
): Promise<Payee> {
  const instrument = await trx
    .selectFrom('payments.instrument')
    .select(['kind', 'token', 'listKey'])
    .where('id', '=', question.instrumentId)
    .executeTakeFirstOrThrow();
  const isCrypto = instrument.kind === 'crypto-address';
  const isAccount = instrument.kind === 'bank-account';
  const isWallet = instrument.kind === 'e-wallet';
  const more = isCrypto
    ? instrument.listKey === null
      ? []
      : [{ kind: 'crypto-address', key: instrument.listKey } as const]
    : // The token of a bank account is the keyed hash of its IBAN, which is what lists hold.
      isAccount
      ? [{ kind: 'iban', key: instrument.token } as const]
      : [];
  const tokens = isCrypto || isAccount || isWallet ? [] : [instrument.token];
  return {
    facts: await readPayer(trx, { ...question, tokens, more }),
    method: methodOfInstrument(instrument.kind),
    isHidden: isCrypto && instrument.listKey === null,
  };
}
