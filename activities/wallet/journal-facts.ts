/** Journals that exist already, read by their external ids for the decisions that refer to them. */
import type { Units } from '#domain/money.ts';
import type { JournalFacts } from '#domain/wallet/decide.ts';
import type { Claims } from '#domain/wallet/decision.ts';
import type { JournalCode } from '#domain/wallet/postings.ts';
import type { CommandKey } from '#domain/wallet/commands.ts';
import type { JournalDetails } from '#domain/wallet/journal-details.ts';
import { text, type Execute, type Row } from './wallet-rows.ts';

/** External id under which we give a stake back ourselves. */
export const givingBackOf = (betExternalId: string): string => `void:${betExternalId}`;

export const factsKey = (integration: string, externalId: string): string => `${integration}\n${externalId}`;

const columns = `j.integration, j.external_id as "externalId", j.id, j.code, j.asset, j.player_id as "playerId", j.details,
    j.amount, encode(j.fingerprint, 'hex') as fingerprint,
    (select r.external_id from wallet.journal r where r.reverses = j.id) as "reversedBy",
    case when j.details is not null then exists (
      select 1 from wallet.journal f where f.integration = 'pitboss' and f.external_id =
        'award:' || coalesce(j.details ->> 'bonusAward', j.details -> 'wagering' ->> 'awardId') || ':bonus.forfeit'
    ) end as "awardForfeited",
    (select coalesce(json_agg(json_build_object('account', e.account, 'ofPlayer', e.player_id is not null,
                                                'amount', e.amount::text) order by e.line), '[]')
       from wallet.entry e where e.journal_id = j.id) as postings`;

// A lateral probe per key: `= ANY` falls into a generic plan that scans.
const statement = `select ${columns}
  from unnest($1::text[], $2::text[]) as k(integration, external_id)
  cross join lateral (
    select * from wallet.journal j where j.integration = k.integration and j.external_id = k.external_id limit 1
  ) j`;

/** Reads the journals of `keys`; unknown keys are simply missing from the map (see `factsKey`). */
export async function loadJournalFacts(
  execute: Execute,
  keys: readonly CommandKey[],
): Promise<Map<string, JournalFacts>> {
  if (keys.length === 0) return new Map();
  const rows = await execute('wallet-facts', statement, [
    keys.map((key) => key.integration),
    keys.map((key) => key.externalId),
  ]);
  return new Map(
    rows.map((row) => [factsKey(text(row, 'integration'), text(row, 'externalId')), fromRow(row)]),
  );
}

const callStatement = `select k.call_id::text as "callId", ${columns}
  from unnest($1::text[], $2::uuid[]) as k(integration, call_id)
  cross join lateral (
    select * from wallet.journal j where j.integration = k.integration and j.call_id = k.call_id limit 1
  ) j`;

/** Reads the journals that network calls made; `factsKey(integration, call id)` finds them in the map. */
export async function loadCallFacts(
  execute: Execute,
  calls: readonly { readonly integration: string; readonly callId: string }[],
): Promise<Map<string, JournalFacts>> {
  if (calls.length === 0) return new Map();
  const rows = await execute('wallet-call-facts', callStatement, [
    calls.map((call) => call.integration),
    calls.map((call) => call.callId),
  ]);
  return new Map(rows.map((row) => [factsKey(text(row, 'integration'), text(row, 'callId')), fromRow(row)]));
}

const fromRow = (row: Row): JournalFacts => ({
  id: text(row, 'id'),
  externalId: text(row, 'externalId'),
  code: text(row, 'code') as JournalCode,
  playerId: row['playerId'] === null ? null : text(row, 'playerId'),
  asset: text(row, 'asset'),
  amount: BigInt(text(row, 'amount')),
  fingerprint: text(row, 'fingerprint'),
  reversed: row['reversedBy'] !== null,
  givenBack: row['reversedBy'] === givingBackOf(text(row, 'externalId')),
  details: row['details'] as JournalDetails | null,
  awardForfeited: row['awardForfeited'] === true,
  postings: (row['postings'] as { account: string; ofPlayer: boolean; amount: string }[]).map((line) => ({
    ...line,
    amount: BigInt(line.amount),
  })),
});

/** Units that a journal took from bonus money or paid to it. */
export function bonusIn(postings: JournalFacts['postings']): Units {
  const moved = postings.reduce(
    (sum, line) => (line.ofPlayer && line.account === 'bonus' ? sum + line.amount : sum),
    0n,
  );
  return moved < 0n ? -moved : moved;
}

/**
 * What became of a capture (how much came after it and how much went back) or of a chargeback's opening (whether it has ended). It holds as
 * long as the player's wallet row is locked, which every claim on it needs.
 */
export async function loadClaims(execute: Execute, journalId: string): Promise<Claims> {
  const [row] = await execute(
    'wallet-claims',
    `select (select coalesce(sum(c.amount), 0) from wallet.journal c
       where c.answers = $1::uuid and c.code in ('deposit.refund', 'chargeback.open')
         and not exists (select 1 from wallet.journal w where w.reverses = c.id)) as "clawedBack",
      (select coalesce(sum(f.amount), 0) from wallet.journal f
       where f.answers = $1::uuid and f.code = 'deposit.capture') as "broughtFurther",
      exists (select 1 from wallet.journal e
        where e.answers = $1::uuid and e.code in ('chargeback.lose', 'chargeback.win')) as ended`,
    [journalId],
  );
  return {
    clawedBack: BigInt(row ? text(row, 'clawedBack') : 0),
    broughtFurther: BigInt(row ? text(row, 'broughtFurther') : 0),
    ended: row?.['ended'] === true,
  };
}
