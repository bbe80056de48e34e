/**
 * Every POST that takes no idempotency key, and why it needs none: it moves and reserves nothing, and saying it twice
 * does what saying it once does, or harm to nobody.
 */
export const keylessPosts: Readonly<Record<string, string>> = {
  // Accounts and sessions.
  verifyEmail: 'the token of the link is its key: it is used up once',
  resendVerification: 'sends a mail; the pace is limited',
  requestPasswordReset: 'sends a mail; the pace is limited',
  resetPassword: 'the token of the link is its key: it is used up once',
  openSession: 'opens one more session of the same person',
  openOperatorSession: 'opens one more session of the same person',
  lockPlayer: 'sets a state that a repeat finds set',
  unlockPlayer: 'sets a state that a repeat finds set',
  setPlayerTier: 'sets a word of the player; of two at once one is told',
  giveFraudScore: 'notes an opinion; the newest one counts',
  // Messages of other parties carry an id of their own, under a signature.
  receiveKycWebhook: 'the id in the signed message is its key, kept in the inbox',
  receivePspWebhook: 'the id in the signed message is its key, kept in the inbox',
  receiveFeedMessage: 'the id in the signed message is its key, kept in the inbox',
  // Places that money may go to later, by a withdrawal with a key.
  addBankAccount: 'the account is its own key; a repeat changes nothing',
  issueCryptoAddress: 'names the address that is the player’s for good; a repeat names the same one',
  addCryptoDestination: 'the address is its own key; a repeat changes nothing',
  // Promises without money behind them.
  cancelRampQuote: 'an open quote holds a rate and no money; a repeat finds it cancelled',
  launchGame: 'opens a session of a game; stakes come as wallet calls with ids of their own',
  launchDemo: 'a demo is played without money',
  // A player's own limits: each change has an id, made by a call with a key.
  cancelLimitChange: 'the change is named and reserves nothing; a repeat finds it cancelled',
  confirmLimitChange: 'the change is named and put in force once; a repeat finds it applied',
  requestReinstatement: 'the exclusion is named; a repeat finds the same wait running',
  // Reviews: decided about once by state, and what moves money afterwards is keyed by its own row.
  decideScreening: 'the match is decided about once by its state; the withdrawal behind it has a key',
  assignPaymentWorkItem: 'names an owner; a repeat names the same one',
  closePaymentWorkItem: 'ends a task for people; the payment behind it is not touched',
  dismissFraudAlert: 'ends a warning; a refund because of it is another call, with a key',
  assignReconciliationBreak: 'names an owner; a repeat names the same one',
  runReconciliation: 'fetches a file again; each line is booked once, by the hash of its file',
  requestLedgerAudit: 'reads the ledger; one audit waits at a time',
  // Rules: which ones hold, never what happens under them.
  confirmRetryRule: 'the row is named and put into force once',
  endRetryRule: 'the row is named and ended once',
  endListEntry: 'the entry is named and ended once',
  lookUpLists: 'only reads; a POST because addresses are logged',
  activateLookupImport: 'the version is named and put into force once',
  decidePaymentAct:
    'the proposal is named and decided about once, by its state and the hash of what was shown',
  decideSetting: 'the proposal is named and decided about once, by its state and the hash of what was shown',
  decideRate: 'the proposal is named and decided about once, by its state and the hash of what was shown',
  endRate: 'the rate is named and ended once',
  checkRules: 'only computes an answer',
  simulateRules: 'only computes an answer',
  matchCondition: 'only reads; a POST because a condition is a tree',
  takeRuleStep: 'the version is named, and each step leads on from one state',
  assignRuleReview: 'names an owner; a repeat names the same one',
  confirmRollBack: 'the review is named and ended once; no rule changes',
  createIntegration: 'a proposal opens nothing; the same wish, while it is open, is the same proposal',
  decideIntegration:
    'the proposal is named and decided about once, by its state and the hash of what was shown',
  proposeCredential: 'a proposal signs nothing; one too many is refused by the second person',
  decideCredential: 'the key is named, and each step leads on from one state',
};
