/** One pure function per journal code: what moves where. Every list sums to zero. */
import type { Units } from '../money.ts';
import {
  adjustments,
  bankOf,
  bonusCost,
  casinoGaming,
  clearingOf,
  disputedOf,
  fxPosition,
  jackpotCost,
  jackpotOf,
  playerFees,
  pspFees,
  seizedFor,
  sportsbookGaming,
  suspenseOf,
  type HouseAccount,
  type Pool,
} from './chart.ts';

export const journalCodes = [
  'deposit.capture',
  'withdrawal.reserve',
  'withdrawal.settle',
  'withdrawal.release',
  'withdrawal.fee',
  'withdrawal.return',
  'withdrawal.forfeit',
  'bet.place',
  'bet.win',
  'bet.rollback',
  'bet.tombstone',
  'bonus.award',
  'bonus.convert',
  'bonus.forfeit',

  'hold.place',
  'hold.capture',
  'hold.release',
  'deposit.refund',
  'deposit.refund-return',
  'chargeback.open',
  'chargeback.lose',
  'chargeback.win',
  'adjustment.post',
  'fx.exchange',
  'free.win',
  'free.rollback',
  'jackpot.contribute',
  'book.place',
  'book.settle',
  'book.void',
  'book.correct',
  'book.cash-out',
  'psp.fee',
  'psp.payout',
  'suspense.open',
  'suspense.release',
] as const;
export type JournalCode = (typeof journalCodes)[number];

export type Posting =
  | { readonly side: 'player'; readonly account: Pool; readonly amount: Units }
  | { readonly side: 'house'; readonly account: HouseAccount; readonly amount: Units };

export type PoolBalances = Readonly<Record<Pool, Units>>;

const player = (account: Pool, amount: Units): Posting => ({ side: 'player', account, amount });
const house = (account: HouseAccount, amount: Units): Posting => ({ side: 'house', account, amount });
const moving = (postings: readonly Posting[]): Posting[] =>
  postings.filter((posting) => posting.amount !== 0n);

/** A credit repays what the player owes before it becomes spendable. */
export function creditCash(balances: PoolBalances, amount: Units): Posting[] {
  const owed = -balances.receivable;
  const repaid = owed < amount ? owed : amount;
  return [player('receivable', repaid), player('cash', amount - repaid)];
}

/** A debit that must not fail takes cash first and leaves the rest as a debt. */
function debitCashOrOwe(balances: PoolBalances, amount: Units): Posting[] {
  const paid = balances.cash < amount ? balances.cash : amount;
  return [player('cash', -paid), player('receivable', -(amount - paid))];
}

export const depositCapture = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...creditCash(balances, amount), house(clearingOf(psp), -amount)]);

export const withdrawalReserve = (amount: Units): Posting[] => [
  player('cash', -amount),
  player('held', amount),
];

export const withdrawalSettle = (amount: Units, psp: string): Posting[] => [
  player('held', -amount),
  house(clearingOf(psp), amount),
];

export const withdrawalRelease = (balances: PoolBalances, amount: Units): Posting[] =>
  moving([player('held', -amount), ...creditCash(balances, amount)]);

/** What the player pays for the payout, out of the same hold. */
export const withdrawalFee = (amount: Units): Posting[] => [
  player('held', -amount),
  house(playerFees, amount),
];

/** A payout that was booked and came back: the money is the player's again. */
export const withdrawalReturn = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...creditCash(balances, amount), house(clearingOf(psp), -amount)]);

/** Held money that an order takes from the player for good. */
export const withdrawalForfeit = (amount: Units, jurisdiction: string): Posting[] => [
  player('held', -amount),
  house(seizedFor(jurisdiction), amount),
];

export type StakeSplit = { readonly cash: Units; readonly bonus: Units };

/** Real money first, then bonus; null when both together do not cover the stake. */
export function splitStake(balances: PoolBalances, stake: Units, bonusUsable: boolean): StakeSplit | null {
  const cash = balances.cash < stake ? balances.cash : stake;
  const bonus = stake - cash;
  if (bonus > (bonusUsable ? balances.bonus : 0n)) return null;
  return { cash, bonus };
}

export const betPlace = (split: StakeSplit): Posting[] =>
  moving([
    player('cash', -split.cash),
    player('bonus', -split.bonus),
    house(casinoGaming, split.cash + split.bonus),
  ]);

/**
 * Where the bonus share of a win goes: to the bonus money of the award that staked it, to real money once that award has
 * converted, and to nobody once it was forfeited, or its bonus money could be staked and given up before the win comes.
 */
export type BonusShare = 'bonus' | 'cash' | 'nobody';

/**
 * Pays a win into the pools that paid the stake, in their proportion. The bonus share is rounded down to the ledger
 * unit and the remainder is real money, so nothing is created or lost.
 */
export function betWin(
  balances: PoolBalances,
  amount: Units,
  stake: StakeSplit | null,
  goesTo: BonusShare,
): Posting[] {
  const staked = stake ? stake.cash + stake.bonus : 0n;
  const share = stake && staked > 0n && goesTo !== 'cash' ? (amount * stake.bonus) / staked : 0n;
  const paid = goesTo === 'nobody' ? amount - share : amount;
  return moving([
    ...creditCash(balances, amount - share),
    player('bonus', goesTo === 'bonus' ? share : 0n),
    house(casinoGaming, -paid),
  ]);
}

/** What an original journal moved, as read back from its entries. */
export type OriginalPosting = {
  readonly account: string;
  readonly ofPlayer: boolean;
  readonly amount: Units;
};

/**
 * Undoes a journal pool by pool. Taking back a win that has been spent leaves a debt in `receivable`; giving back a stake
 * repays a debt first. The bonus share is the award's that it was of: what is spent of its bonus money is the house's loss,
 * a win of one that has converted since is taken back as real money, and the share of nobody stays with the house, so an
 * award that is over cannot come back through a rollback and another one pays for nothing.
 * `beside` are house lines that the original moved, too, reversed; `counter` takes what is left.
 */
export function betRollback(
  balances: PoolBalances,
  original: readonly OriginalPosting[],
  share: BonusShare,
  counter: HouseAccount = casinoGaming,
  beside: readonly Posting[] = [],
): Posting[] {
  const sumOf = (pool: Pool): Units =>
    original.reduce((sum, line) => (line.ofPlayer && line.account === pool ? sum + line.amount : sum), 0n);
  const bonus = sumOf('bonus');
  // A win that repaid a debt was real money, too.
  const cash = sumOf('cash') + sumOf('receivable') + (share === 'cash' ? bonus : 0n);
  const postings: Posting[] = [];
  if (cash < 0n) postings.push(...creditCash(balances, -cash));
  if (cash > 0n) postings.push(...debitCashOrOwe(balances, cash));
  let returned = cash;
  if (share === 'bonus') {
    const taken = balances.bonus < bonus ? balances.bonus : bonus;
    postings.push(player('bonus', -taken));
    returned += taken;
  }
  return moving([...postings, ...beside, house(counter, returned - sumOfPostings(beside))]);
}

/** The house adds to a pool outside any bet: its seed, or what a win has overdrawn. */
export const jackpotContribute = (amount: Units, pool: string): Posting[] => [
  house(jackpotCost, -amount),
  house(jackpotOf(pool), amount),
];

/** What a PSP keeps of the money that it owes us. */
export const pspFee = (amount: Units, psp: string): Posting[] => [
  house(pspFees, -amount),
  house(clearingOf(psp), amount),
];

/** A fee that a later file of the PSP says was lower than told before. */
export const pspFeeBack = (amount: Units, psp: string): Posting[] => [
  house(pspFees, amount),
  house(clearingOf(psp), -amount),
];

/** What the PSP owed us has arrived at our bank. */
export const pspPayout = (amount: Units, psp: string, account: string): Posting[] => [
  house(clearingOf(psp), amount),
  house(bankOf(account), -amount),
];

/** Signed as what the PSP or bank holds of ours moved: above zero we owe it to somebody whom we do not know yet. */
export const suspenseOpen = (amount: Units, psp: string): Posting[] => [
  house(suspenseOf(psp), amount),
  house(clearingOf(psp), -amount),
];

/** `to`: where the flow of the code allows it. */
export const suspenseRelease = (amount: Units, psp: string, to: HouseAccount): Posting[] => [
  house(suspenseOf(psp), -amount),
  house(to, amount),
];

export const bonusAward = (amount: Units): Posting[] => [player('bonus', amount), house(bonusCost, -amount)];

export const bonusConvert = (balances: PoolBalances): Posting[] =>
  moving([player('bonus', -balances.bonus), ...creditCash(balances, balances.bonus)]);

export const bonusForfeit = (balances: PoolBalances): Posting[] =>
  moving([player('bonus', -balances.bonus), house(bonusCost, balances.bonus)]);

export const holdPlace = (amount: Units): Posting[] => [player('cash', -amount), player('held', amount)];

export const holdCapture = (amount: Units, to: HouseAccount): Posting[] => [
  player('held', -amount),
  house(to, amount),
];

export const holdRelease = (balances: PoolBalances, amount: Units): Posting[] =>
  moving([player('held', -amount), ...creditCash(balances, amount)]);

/** Money of a deposit that goes back to where it came from; what the player has spent of it becomes a debt. */
export const depositRefund = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...debitCashOrOwe(balances, amount), house(clearingOf(psp), amount)]);

/** A refund that the PSP did not carry out: the player has the money again, a debt of his first. */
export const depositRefundReturn = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...creditCash(balances, amount), house(clearingOf(psp), -amount)]);

/** The PSP has taken a deposit back: the player pays for it at once, the PSP's claim is not final yet. */
export const chargebackOpen = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...debitCashOrOwe(balances, amount), house(disputedOf(psp), amount)]);

export const chargebackLose = (amount: Units, psp: string): Posting[] => [
  house(disputedOf(psp), -amount),
  house(clearingOf(psp), amount),
];

export const chargebackWin = (balances: PoolBalances, amount: Units, psp: string): Posting[] =>
  moving([...creditCash(balances, amount), house(disputedOf(psp), -amount)]);

export const adjustmentCredit = (balances: PoolBalances, amount: Units): Posting[] =>
  moving([...creditCash(balances, amount), house(adjustments, -amount)]);

export const adjustmentDebit = (balances: PoolBalances, amount: Units): Posting[] =>
  moving([...debitCashOrOwe(balances, amount), house(adjustments, amount)]);

/** The sold side of an exchange, in the sold asset. */
export const exchangeSell = (amount: Units): Posting[] => [
  player('cash', -amount),
  house(fxPosition, amount),
];

/** The bought side of an exchange, in the bought asset. */
export const exchangeBuy = (balances: PoolBalances, amount: Units): Posting[] =>
  moving([...creditCash(balances, amount), house(fxPosition, -amount)]);

/** Balances after postings. */
export function applyPostings(balances: PoolBalances, postings: readonly Posting[]): PoolBalances {
  const next = { ...balances };
  for (const posting of postings) if (posting.side === 'player') next[posting.account] += posting.amount;
  return next;
}

export const sumOfPostings = (postings: readonly Posting[]): Units =>
  postings.reduce((sum, posting) => sum + posting.amount, 0n);

/** A sports stake is real money only: a bet that lives for months cannot wait for the end of an award. */
export const bookStake = (amount: Units): Posting[] => [
  player('cash', -amount),
  house(sportsbookGaming, amount),
];

/** Pays a sports bet, or takes back what an earlier result paid too much (`delta` below zero); what is spent is owed. */
export const bookPay = (balances: PoolBalances, delta: Units): Posting[] =>
  moving([
    ...(delta > 0n ? creditCash(balances, delta) : debitCashOrOwe(balances, -delta)),
    house(sportsbookGaming, -delta),
  ]);
