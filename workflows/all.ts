/** The bundler's entry: every workflow of the platform, and the table of contents of the business. */
export { bankReports } from './bank-reports.ts';
export { bet } from './bet.ts';
export { bonusAward } from './bonus-award.ts';
export { catalogueImport } from './catalogue-import.ts';
export { deposit } from './deposit.ts';
export { depositLate } from './deposit-late.ts';
export { freeRounds } from './free-rounds.ts';
export { limitChange } from './limit-change.ts';
export { market } from './market.ts';
export { payoutBatch } from './payout-batch.ts';
export { registration } from './registration.ts';
export { round } from './round.ts';
export { selfExclusion } from './self-exclusion.ts';
export { timeOut } from './time-out.ts';
export { verification } from './verification.ts';
export { withdrawal } from './withdrawal.ts';
