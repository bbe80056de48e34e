/** Which accounts each journal code may touch: a balanced journal can still be a wrong one. */
import { accountForms } from './chart.ts';
import type { JournalCode, Posting } from './postings.ts';

const jackpot = /^jackpot:[a-z0-9-]+$/;

const flows: Record<JournalCode, readonly RegExp[]> = {
  'deposit.capture': [/^cash$/, /^receivable$/, /^psp:[a-z0-9-]+:clearing$/],
  'withdrawal.reserve': [/^cash$/, /^held$/],
  'withdrawal.settle': [/^held$/, /^psp:[a-z0-9-]+:clearing$/],
  'withdrawal.release': [/^held$/, /^cash$/, /^receivable$/],
  'withdrawal.fee': [/^held$/, /^house:player-fees$/],
  'withdrawal.return': [/^cash$/, /^receivable$/, /^psp:[a-z0-9-]+:clearing$/],
  'withdrawal.forfeit': [/^held$/, accountForms.seized],
  'bet.place': [/^cash$/, /^bonus$/, /^house:casino:gaming$/, /^house:jackpot-cost$/, jackpot],
  'bet.win': [/^cash$/, /^bonus$/, /^receivable$/, /^house:casino:gaming$/, jackpot],
  'bet.rollback': [
    /^cash$/,
    /^bonus$/,
    /^receivable$/,
    /^house:casino:gaming$/,
    /^house:jackpot-cost$/,
    jackpot,
  ],
  'bet.tombstone': [],
  'bonus.award': [/^bonus$/, /^house:bonus-cost$/],
  'bonus.convert': [/^bonus$/, /^cash$/, /^receivable$/],
  'bonus.forfeit': [/^bonus$/, /^house:bonus-cost$/],

  'hold.place': [/^cash$/, /^held$/],
  'hold.capture': [/^held$/, accountForms.clearing, accountForms.suspense, accountForms.taxPayable],
  'hold.release': [/^held$/, /^cash$/, /^receivable$/],
  'deposit.refund': [/^cash$/, /^receivable$/, accountForms.clearing],
  'deposit.refund-return': [/^cash$/, /^receivable$/, accountForms.clearing],
  'chargeback.open': [/^cash$/, /^receivable$/, accountForms.disputed],
  'chargeback.lose': [accountForms.disputed, accountForms.clearing],
  'chargeback.win': [accountForms.disputed, /^cash$/, /^receivable$/],
  'adjustment.post': [/^cash$/, /^receivable$/, accountForms.adjustments],
  'fx.exchange': [/^cash$/, /^receivable$/, accountForms.fx],
  'free.win': [/^cash$/, /^bonus$/, /^receivable$/, /^house:bonus-cost$/, jackpot],
  'free.rollback': [/^cash$/, /^bonus$/, /^receivable$/, /^house:bonus-cost$/, jackpot],
  'jackpot.contribute': [/^house:jackpot-cost$/, jackpot],
  'book.place': [/^cash$/, /^house:sportsbook:gaming$/],
  'book.settle': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'book.void': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'book.correct': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
  'psp.payout': [accountForms.clearing, accountForms.bank],
  'psp.fee': [/^house:psp-fees$/, accountForms.clearing],
  'suspense.open': [accountForms.clearing, accountForms.suspense],
  'suspense.release': [accountForms.suspense, accountForms.clearing, accountForms.adjustments],
  'book.cash-out': [/^cash$/, /^receivable$/, /^house:sportsbook:gaming$/],
};

/** The first account that the code may not touch, or null. */
export function strayAccount(code: JournalCode, postings: readonly Posting[]): string | null {
  const allowed = flows[code];
  return postings.find((posting) => !allowed.some((form) => form.test(posting.account)))?.account ?? null;
}
