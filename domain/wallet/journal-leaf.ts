/** The bytes that the ledger's log commits to for a journal: canonical JSON, also the line of an export. */

export type LeafEntry = {
  readonly account: string;
  readonly amount: string;
  readonly asset: string;
  readonly balanceAfter: string | undefined;
  /** Hex. */
  readonly hash: string | undefined;
  readonly line: string;
  readonly playerId: string | undefined;
  readonly seq: string | undefined;
};

/** A journal with its entries in the order of their lines. Members are column values as text; an absent one is null. */
export type JournalLeaf = {
  readonly amount: string;
  readonly answers: string | undefined;
  readonly asset: string;
  readonly brand: string;
  readonly callId: string | undefined;
  readonly code: string;
  /** PostgreSQL's own text of the JSON. */
  readonly details: string | undefined;
  readonly entries: readonly LeafEntry[];
  readonly externalId: string;
  /** Hex. */
  readonly fingerprint: string;
  readonly id: string;
  readonly integration: string;
  /** UTC with microseconds, `2026-11-24T12:00:00.000000Z`. */
  readonly occurredAt: string;
  readonly playerId: string | undefined;
  readonly reverses: string | undefined;
  readonly roundRef: string | undefined;
  readonly subject: string | undefined;
};

/**
 * The canonical text of a journal: RFC 8785 (sorted names, no spaces), every value a string, members that are null left
 * out, so that a column that is added later changes no old leaf. The log's leaf is its UTF-8. Codes are not interpreted.
 */
export const leafText = (journal: JournalLeaf): string =>
  // ECMAScript writes members in this order, leaves undefined ones out, and escapes strings as RFC 8785 wants them.
  JSON.stringify({
    amount: journal.amount,
    answers: journal.answers,
    asset: journal.asset,
    brand: journal.brand,
    callId: journal.callId,
    code: journal.code,
    details: journal.details,
    entries: journal.entries.map((entry) => ({
      account: entry.account,
      amount: entry.amount,
      asset: entry.asset,
      balanceAfter: entry.balanceAfter,
      hash: entry.hash,
      line: entry.line,
      playerId: entry.playerId,
      seq: entry.seq,
    })),
    externalId: journal.externalId,
    fingerprint: journal.fingerprint,
    id: journal.id,
    integration: journal.integration,
    occurredAt: journal.occurredAt,
    playerId: journal.playerId,
    reverses: journal.reverses,
    roundRef: journal.roundRef,
    subject: journal.subject,
  });

/** Columns of the ledger's two tables that a leaf covers; a test holds the list against the database. */
export const coveredColumns = {
  journal: [
    'amount',
    'answers',
    'asset',
    'brand',
    'call_id',
    'code',
    'details',
    'external_id',
    'fingerprint',
    'id',
    'integration',
    'occurred_at',
    'player_id',
    'reverses',
    'round_ref',
    'subject',
  ],
  entry: ['account', 'amount', 'asset', 'balance_after', 'hash', 'journal_id', 'line', 'player_id', 'seq'],
} as const;
