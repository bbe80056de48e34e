/** Reads of staff that are the same whatever brands an operator may see, each with the reason. Everything else is scoped. */
export const brandless: ReadonlyMap<string, string> = new Map([
  ['getOperatorSelf', 'the caller himself'],
  ['listAccounts', 'the chart of accounts: names and meanings, no money'],
  ['listAdjustmentReasons', 'the catalogue of reasons, no correction of anybody'],
  ['listRuleSets', 'which rule sets there are and what they may ask; the rules themselves are scoped'],
  ['listJurisdictions', 'what regulators demand is the same for every brand'],
  ['readJurisdictionVersion', 'what regulators demanded is the same for every brand'],
  ['listRetryRules', 'how often a card network allows a charge to be repeated'],
  ['listLookupImports', 'tables of card numbers and addresses from outside'],
  ['listLedgerCheckpoints', 'sizes, hashes and signatures of the one ledger'],
  ['getLedgerCheckpoint', 'size, hash and signature of the one ledger'],
  ['proveLedgerConsistency', 'hashes of the one ledger'],
  ['getWithdrawalStop', 'the stop binds every brand, so whoever answers players about it has to know'],
  ['listJackpots', 'a pool is shared by brands, and players are shown it'],
  ['listParkedResults', 'results of sports events, which the feed sends for all brands'],
  ['readMarketSettlement', 'what became of a market; the counts of bets beside it are scoped'],
  ['getRelayState', 'how far the platform’s own queues have come'],
]);
