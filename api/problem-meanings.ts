/** What each failure code means and what its caller does next: the page that a problem's `type` leads to is made of it. */
import type { FailureCode } from '#domain/failures.ts';

export type ProblemMeaning = {
  /** What is the case; one sentence. */
  readonly means: string;
  /** What whoever got it does; one sentence. */
  readonly next: string;
};

/** A group cannot name what is no code. */
type Meanings = Partial<Record<FailureCode, ProblemMeaning>>;

const say = (means: string, next: string): ProblemMeaning => ({ means, next });

const ofRequests = {
  'malformed-json': say(
    'The body is not well-formed JSON.',
    'Mend the body; a repeat of the same bytes fails again.',
  ),
  'invalid-request': say(
    'A part of the request does not fit its schema, or makes no sense beside the others.',
    'Read `errors`, whose pointers name the fields, and mend them.',
  ),
  'body-too-large': say(
    'The body is larger than this address takes.',
    'Send less at once; `detail` names the limit.',
  ),
  'unsupported-media-type': say(
    'The body does not call itself JSON.',
    'Send `Content-Type: application/json`.',
  ),
  'idempotency-key-missing': say(
    'The request moves or reserves something and names no intent.',
    'Send an `Idempotency-Key`: a new one for each intent, the same one with each repeat.',
  ),
  'idempotency-key-reused': say(
    'The key was used before, for a request with other content.',
    'Take a new key for a new intent, or repeat the first request as it was.',
  ),
  'amount-not-positive': say('The amount is zero, or buys nothing.', 'Send an amount above zero.'),
  'amount-too-precise': say(
    'The amount has more decimal places than can be paid in its asset.',
    'Round it to the places that `detail` names.',
  ),
  'amount-too-large': say(
    'The amount is beyond what one payment or entry can carry.',
    'Send less, or in parts.',
  ),
  'amount-too-small': say('The fee would leave nothing of the amount.', 'Ask for more than the fee.'),
  'unknown-asset': say(
    'There is no such currency or coin.',
    'Use the code of an asset that the platform has.',
  ),
  'unsupported-asset': say(
    'The asset exists, and is not taken here or for this.',
    'Use an asset that the player has a wallet in and that this operation takes.',
  ),
  'not-found': say(
    'There is nothing at this address, or nothing that the caller may see.',
    'Check the address and the id; a repeat finds nothing either.',
  ),
  'method-not-allowed': say(
    'The address is there, and takes no such method.',
    'Use a method that the API description names.',
  ),
} satisfies Meanings;

const ofCallers = {
  'not-authenticated': say(
    'The request carries no session that we know.',
    'Sign in, and send the session token as a bearer token.',
  ),
  'session-expired': say(
    'The session was not used for too long, has run out, or was ended.',
    'Sign in again.',
  ),
  forbidden: say(
    'The caller is known and may not do this: his role, his brands or the amount do not allow it.',
    'Ask somebody who may; a repeat is refused again.',
  ),
  'invalid-credentials': say('Address or password are wrong.', 'Try again, or have a new password sent.'),
  'invalid-signature': say(
    'The signature is missing, or does not fit the bytes that came.',
    'Sign the raw body with the secret in force; whoever changes a body on the way breaks it.',
  ),
  'stale-signature': say(
    'The signature is right, and its time lies too far from now.',
    'Set the clock, and sign each delivery anew.',
  ),
  'too-many-requests': say(
    'There were too many tries in a short time.',
    'Wait as long as `Retry-After` says.',
  ),
} satisfies Meanings;

const ofAccounts = {
  'email-taken': say('The e-mail address has an account at this brand.', 'Sign in, or use another address.'),
  'email-not-verified': say(
    'The e-mail address has not been confirmed.',
    'Let the player open the link that was sent, or have it sent again.',
  ),
  'verification-link-invalid': say(
    'The link was used, has run out, or was never sent.',
    'Ask for a new one.',
  ),
  'reset-link-invalid': say('The link was used, has run out, or was never sent.', 'Ask for a new one.'),
  'player-underage': say('The player is younger than the law of the place allows.', 'Do not register him.'),
  'terms-not-current': say(
    'Other terms are in force than those that were accepted.',
    'Show the terms in force, and register with their version.',
  ),
  'unknown-brand': say('There is no such brand.', 'Use the id of a brand of this platform.'),
  'unknown-jurisdiction': say(
    'The platform has no rules for this jurisdiction, or the brand is not open there.',
    'Use one that the brand is open in.',
  ),
  'player-blocked': say(
    'The account is locked or closed.',
    'Stop asking; only support can tell the player more.',
  ),
} satisfies Meanings;

const ofPlay = {
  'deposit-limit-required': say(
    'The law of the place wants a deposit limit before the first deposit.',
    'Let the player set a deposit limit in this asset, then repeat.',
  ),
  'deposit-limit-exceeded': say(
    "The deposit does not fit the player's own limit.",
    'Offer a smaller amount, or wait for the next window.',
  ),
  'play-limit-exceeded': say(
    "The player's own loss, stake or time limit is reached.",
    'Stop play until the window ends.',
  ),
  'play-limit-required': say(
    'The player has a limit in the asset that he gives, and none in the one that he gets.',
    'Let him set the limit that `detail` names, then repeat.',
  ),
  'self-excluded': say(
    'The player has excluded himself or pauses.',
    'Offer nothing until it ends; nobody lifts it on request.',
  ),
  'limit-change-not-open': say(
    'The change of the limit has taken effect, was taken back, or is not due.',
    'Read the limits again.',
  ),
  'identity-not-verified': say(
    'This needs a level of identity that the player has not reached.',
    'Open a verification, and repeat when it is approved.',
  ),
  'verification-not-open': say(
    'The verification is not on hold, so nobody decides about it by hand.',
    'Read it again; it may have been decided.',
  ),
} satisfies Meanings;

const ofWallets = {
  'insufficient-funds': say(
    'The balance, or what is held, does not cover the amount.',
    'Ask for less, or repeat when the balance allows it.',
  ),
  'duplicate-transaction': say(
    'The id of the transaction was used before with other content, or for another player.',
    'Send each transaction under its own id, and repeats unchanged.',
  ),
  'transaction-not-found': say(
    'The transaction that this one refers to is not known.',
    'Check the reference, and send first what it refers to.',
  ),
  'transaction-rolled-back': say(
    'The transaction, or the bet that it belongs to, was rolled back.',
    'Take it as undone; nothing more will be booked on it.',
  ),
  'stake-returned': say(
    'The stake of this win was given back before the win came.',
    'Do not repeat it; a person settles what came too late.',
  ),
  'bonus-bet-too-large': say(
    'The stake is above the maximum while a bonus is being wagered.',
    'Place a smaller stake, or finish or give up the bonus.',
  ),
  'stake-too-large': say('The stake is above the most for this player or game.', 'Place a smaller stake.'),
  'wallet-not-found': say('The player has no wallet in this asset.', 'Use an asset that he has a wallet in.'),
  'proof-pending': say(
    'The journal is booked, and no signed checkpoint covers it yet.',
    'Ask again after `Retry-After`.',
  ),
  'withdrawals-stopped': say(
    'Withdrawals are stopped while the ledger is examined; what is held stays held.',
    'Repeat later with the same key; staff see why at the withdrawal stop.',
  ),
  'hold-not-open': say(
    'The hold was captured or released, or has run out.',
    'Read the hold; hold anew if it is needed.',
  ),
  'hold-exceeded': say('More would be captured than is still held.', 'Capture at most the rest of the hold.'),
  'exceeds-captured': say(
    'More would go back than came in.',
    'Ask for at most what is left of the captures.',
  ),
  'exceeds-authorised': say('More would be captured than the card holds.', 'Capture at most the rest.'),
  'several-captures-unsupported': say(
    'The brand or the PSP takes one capture of this authorisation.',
    'Capture once, with `isFinal`.',
  ),
  'adjustment-not-open': say(
    'The correction was decided, or is not what the decision names.',
    'Read it again, and decide on what it says now.',
  ),
  'rate-not-current': say(
    'The rate is not in force for this pair.',
    'Ask for the rates, and repeat with one of them.',
  ),
} satisfies Meanings;

const ofPayments = {
  'payment-method-unavailable': say(
    'This method cannot be used by this player here; why is not said.',
    'Offer another method: `GET /v1/deposit-methods` lists those that are open.',
  ),
  'deposit-not-awaiting-action': say(
    'The deposit waits for nothing from the player.',
    'Read the deposit; it may have ended or gone on.',
  ),
  'withdrawal-not-pending': say(
    'The withdrawal is not at the point where this can be done, or its money may be on its way.',
    'Read the withdrawal, and act on what it says.',
  ),
  'withdrawal-pending-wagering': say(
    'A bonus in this asset is still being wagered.',
    'Let the player finish the wagering or give the bonus up, then repeat.',
  ),
  'already-decided': say('Somebody has decided this before.', 'Read the decision; it stands.'),
  'own-approval': say(
    'Who asked for this, gets something by it, or did its first step may not decide on it.',
    'Let another person decide.',
  ),
  'refund-not-open': say(
    'There is nothing to refund, or the refund is not what was shown.',
    'Read deposit and refund again.',
  ),
  'refund-unsupported': say(
    'What was paid in by this method is not sent back by a refund.',
    'Let the player withdraw it.',
  ),
  'modification-not-open': say(
    'Nothing is held by this authorisation, another capture or void is under way, or it is not what was shown.',
    'Read the deposit again.',
  ),
  'dispute-not-open': say(
    'The dispute waits for no answer, or for another one than was shown.',
    'Read the dispute; an answer that was given stands.',
  ),
  'fraud-alert-not-open': say('The report was decided before.', 'Read the report again.'),
  'break-not-open': say(
    'The break of the reconciliation is closed.',
    'Read the day again; nothing is left to explain.',
  ),
  'amount-below-minimum': say(
    'The amount is below the least that is taken.',
    'Send at least what `detail` names.',
  ),
  'amount-above-maximum': say(
    'The amount is above the most that is taken.',
    'Send at most what `detail` names.',
  ),
  'payment-limit-exceeded': say(
    'A limit on number or sum of payments is reached.',
    'Wait as long as `Retry-After` says; without it, only a smaller amount helps.',
  ),
  'list-entry-not-open': say('The entry of the list has ended.', 'Add a new one if it is still wanted.'),
  'quote-expired': say('The quote has run out.', 'Ask for another one.'),
  'quote-not-open': say(
    'The quote was accepted or given up before.',
    'Read it; ask for another one to go on.',
  ),
  'retry-rule-looser': say(
    'The card network admits fewer tries already, so the rule would change nothing.',
    'Propose a stricter rule, or none.',
  ),
  'retry-rule-not-open': say('The rule does not wait for this step.', 'Read the rules again.'),
  'lookup-import-not-open': say(
    'The import takes no more parts, or does not have just the parts that were named.',
    'Send what is missing, or begin a new import.',
  ),
  'setting-not-open': say(
    'The proposal was decided, or is not what was shown.',
    'Read the proposals, and decide on what is there now.',
  ),
  'held-money-not-open': say(
    'Nothing is held so, or other than was shown.',
    'Read the withdrawal and its proposal again.',
  ),
  'work-item-not-open': say(
    'The work item is closed, or what it is about has not come to its end.',
    'Read the item, and settle first what it names.',
  ),
  'invalid-address-checksum': say(
    'The checksum of the address is wrong, so a character is.',
    'Copy the address again, with its capital letters.',
  ),
  'address-resting': say(
    'A new address of a player cannot be paid to yet.',
    'Repeat after the time that `detail` names.',
  ),
} satisfies Meanings;

const ofGames = {
  'unknown-game': say(
    'There is no such game, or it is closed to this player.',
    'Read the lobby, and launch what it lists.',
  ),
  'game-session-invalid': say('There is no such game session.', 'Launch the game anew.'),
  'round-void-pending': say('A proposal to void this round waits.', 'Decide on it first.'),
  'round-void-not-open': say(
    'The round waits for nobody, or the proposal is not what was shown.',
    'Read the round again.',
  ),
  'provider-refused': say(
    'The provider was reached and said no.',
    'Read `detail` for its words; a repeat gets the same answer until something changes there.',
  ),
  'provider-lacks-feature': say(
    'The provider cannot do this.',
    'Do not offer it for games of this provider.',
  ),
  'version-outdated': say(
    'What is to be changed has changed since it was read.',
    'Read it again, and send the change with the version that is there.',
  ),
  'name-taken': say('The name or key is in use.', 'Choose another one.'),
  'too-many-keys': say('As many keys are active as may be at once.', 'End one first.'),
  'free-rounds-not-cancellable': say(
    'The free rounds are over, or the provider refused them.',
    'Read them again.',
  ),
  'award-active': say('The player wagers an award already.', 'Grant the next one when it has ended.'),
  'award-not-active': say('The award has ended, or its wagering is not complete.', 'Read the award again.'),
  'unknown-selection': say('There is no such selection to bet on.', 'Read the market again.'),
  'related-legs': say(
    'Two legs of the bet are of one event, and one would tell of the other.',
    'Take one of them out.',
  ),
  'market-closed': say('The market takes no more bets.', 'Take the selection out of the slip.'),
  'market-suspended': say('The market takes no bets at the moment.', 'Try again when it is open.'),
  'odds-changed': say(
    'The odds are others than the player saw.',
    'Show the odds in `errors`, and place the bet anew if he takes them.',
  ),
  'stake-out-of-range': say('The stake is below the smallest or above the largest.', 'Change the stake.'),
  'player-stake-limit': say('The stake is above the largest for this player.', 'Place a smaller stake.'),
  'payout-too-large': say('The bet could pay more than one bet may.', 'Place a smaller stake.'),
  'bet-not-open': say('The bet has ended.', 'Read its result.'),
  'cash-out-unavailable': say(
    'There is no offer for this bet, or the bet has no right to one.',
    'Let the bet run.',
  ),
  'cash-out-offer-gone': say('The offer does not stand any more.', 'Ask for a new one.'),
  'result-not-applicable': say(
    'The result still does not fit its market.',
    'Wait for one of the feed that does, or dismiss it.',
  ),
} satisfies Meanings;

const ofRules = {
  'rule-invalid': say(
    'The rule is not well-formed, or asks for what its place does not have.',
    'Read `errors`, whose pointers lead into the rule.',
  ),
  'rule-step-refused': say(
    'The version is not in the state that this step begins from.',
    'Read the version, and take the steps in their order.',
  ),
} satisfies Meanings;

const ofDependencies = {
  'dependency-unavailable': say(
    'Something that we depend on does not answer now.',
    'Repeat after `Retry-After`, with the same key: what was done is not done twice.',
  ),
  overloaded: say(
    'Too much is asked of the platform at this moment; nothing was done.',
    'Repeat after `Retry-After`, with the same key.',
  ),
} satisfies Meanings;

/** Of each code of the closed list: one without a meaning does not compile. */
export const problemMeanings: Readonly<Record<FailureCode, ProblemMeaning>> = {
  ...ofRequests,
  ...ofCallers,
  ...ofAccounts,
  ...ofPlay,
  ...ofWallets,
  ...ofPayments,
  ...ofGames,
  ...ofRules,
  ...ofDependencies,
};
