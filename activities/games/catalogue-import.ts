/** Reads a provider's catalogue into `games.game`: what the provider says is taken over, what the operator decided stays. */
import { sql } from 'kysely';
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { ActivityDeps } from '#activities/deps.ts';
import type { Trx } from '#db/connect.ts';
import { fail, FailureError } from '#domain/failures.ts';
import {
  defaultContributionBps,
  diffCatalogue,
  isOffered,
  withdrawsMost,
  type CatalogueDiff,
  type CatalogueEntry,
} from '#domain/games/catalogue.ts';
import type { GameList, ProviderGame } from './providers.ts';

export type ImportOutcome = 'done' | 'refused' | 'failed';

type Import = {
  readonly id: string;
  readonly integration: string;
  readonly brand: string;
  readonly mayWithdrawMost: boolean;
};

const rowsPerStatement = 1_000;
const codesShownMax = 1_000;

export function createCatalogueImportActivities(deps: Pick<ActivityDeps, 'db' | 'gameProviders'>) {
  const { db } = deps;
  return {
    /** Safe to repeat: an import that has ended answers with how. A provider that is away is asked again. */
    async importCatalogue({ importId }: { importId: string }): Promise<{ outcome: ImportOutcome }> {
      const row = await readImport(db, importId);
      if (row.state !== 'requested') return { outcome: row.state as ImportOutcome };
      const provider = await deps.gameProviders.get(row.integration);
      const list = provider?.gameList
        ? await provider.gameList()
        : fail('provider-lacks-feature', 'There is no list to ask for, or no key to ask with.');
      if (!list.ok && list.failure.code === 'dependency-unavailable') throw new FailureError(list.failure);
      return db.transaction().execute(async (trx) => {
        const state = await lockImport(trx, importId);
        if (state !== 'requested') return { outcome: state as ImportOutcome };
        if (!list.ok) return end(trx, row, { outcome: 'failed', failure: list.failure.detail });
        return apply(trx, row, list.value);
      });
    },

    /** The provider stayed away for as long as an import may take. */
    async giveUpImport({ importId }: { importId: string }): Promise<{ outcome: ImportOutcome }> {
      const row = await readImport(db, importId);
      return db.transaction().execute(async (trx) => {
        const state = await lockImport(trx, importId);
        if (state !== 'requested') return { outcome: state as ImportOutcome };
        return end(trx, row, { outcome: 'failed', failure: 'The provider did not answer in time.' });
      });
    },
  };
}

async function readImport(db: ActivityDeps['db'], importId: string): Promise<Import & { state: string }> {
  const row = await db
    .selectFrom('games.catalogueImport')
    .select(['id', 'integration', 'brand', 'state', 'mayWithdrawMost'])
    .where('id', '=', importId)
    .executeTakeFirst();
  if (!row) throw new FailureError(fail('not-found', 'There is no such import.').failure);
  return row;
}

async function lockImport(trx: Trx, importId: string): Promise<string> {
  const { state } = await trx
    .selectFrom('games.catalogueImport')
    .select('state')
    .where('id', '=', importId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return state;
}

async function apply(trx: Trx, row: Import, list: GameList): Promise<{ outcome: ImportOutcome }> {
  const { rows } = await sql<{
    nowMs: string;
  }>`select floor(extract(epoch from now()) * 1000)::text as now_ms`.execute(trx);
  const nowMs = Number(rows[0]?.nowMs);
  const games = new Map<string, GameRow>();
  // A code that is listed twice means its first entry.
  for (const game of list.games) if (!games.has(game.code)) games.set(game.code, toRow(game, nowMs));
  const known = await readKnown(trx, row.integration);
  const entries = new Map([...games].map(([code, game]) => [code, entryOf(game)]));
  const diff = diffCatalogue(known, entries, list.unreadable === 0);
  const listedBefore = [...known.values()].filter((game) => game.listed).length;
  const counts = { listed: games.size, unreadable: list.unreadable, diff };
  if (withdrawsMost(listedBefore, diff.withdrawn.length) && !row.mayWithdrawMost) {
    const failure = 'The list would withdraw more than half of the catalogue; nothing was changed.';
    return end(trx, row, { outcome: 'refused', failure, ...counts });
  }
  const moved = new Set([...diff.added, ...diff.changed, ...diff.withdrawn, ...diff.returned]);
  const rowsToWrite = [...games.values()].filter((game) => moved.has(game.code));
  for (let start = 0; start < rowsToWrite.length; start += rowsPerStatement)
    await upsert(trx, row.integration, rowsToWrite.slice(start, start + rowsPerStatement));
  const missing = diff.withdrawn.filter((code) => !games.has(code));
  if (missing.length > 0) {
    await trx
      .updateTable('games.game')
      .set({ listed: false })
      .where('integration', '=', row.integration)
      .where('code', '=', sql<string>`any (${missing})`)
      .execute();
  }
  return end(trx, row, { outcome: 'done', failure: null, ...counts });
}

/** The columns that an import writes. */
type GameRow = ReturnType<typeof toRow>;

const toRow = (game: ProviderGame, nowMs: number) => ({
  code: game.code,
  title: game.title,
  category: game.category,
  provider: game.provider,
  producer: game.producer,
  live: game.live,
  imageUrl: game.imageUrl,
  backgroundUrl: game.backgroundUrl,
  platforms: game.platforms,
  blockedCountries: game.blockedCountries,
  hasDemo: game.hasDemo,
  hasFreeRounds: game.hasFreeRounds,
  releasedAt: instantOf(game.releasedAtMs),
  recalledAt: instantOf(game.recalledAtMs),
  listed: isOffered(game, nowMs),
});

const instantOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const entryOf = ({ listed, ...description }: GameRow): CatalogueEntry => ({
  listed,
  description: JSON.stringify(description),
});

async function readKnown(trx: Trx, integration: string): Promise<ReadonlyMap<string, CatalogueEntry>> {
  const rows = await trx
    .selectFrom('games.game')
    .select([
      'code',
      'title',
      'category',
      'provider',
      'producer',
      'live',
      'imageUrl',
      'backgroundUrl',
      'platforms',
      'blockedCountries',
      'hasDemo',
      'hasFreeRounds',
      'releasedAt',
      'recalledAt',
      'listed',
    ])
    .where('integration', '=', integration)
    .execute();
  return new Map(
    rows.map(({ releasedAt, recalledAt, listed, ...rest }) => [
      rest.code,
      entryOf({
        ...rest,
        platforms: rest.platforms as GameRow['platforms'],
        releasedAt: releasedAt?.toISOString() ?? null,
        recalledAt: recalledAt?.toISOString() ?? null,
        listed,
      }),
    ]),
  );
}

/** Columns of the operator (`enabled`, contribution, guard) are written for games that are new, and never again. */
async function upsert(trx: Trx, integration: string, games: readonly GameRow[]): Promise<void> {
  const rows = games.map((game) => ({
    ...game,
    contribution: defaultContributionBps(game.category, game.live),
  }));
  await sql`
    insert into games.game as known (integration, code, title, category, provider, producer, live, image_url,
      background_url, platforms, blocked_countries, has_demo, has_free_rounds, released_at, recalled_at, listed,
      enabled, wagering_contribution_bps)
    select ${integration}, g.code, g.title, g.category, g.provider, g.producer, g.live, g."imageUrl",
      g."backgroundUrl", array(select jsonb_array_elements_text(g.platforms)),
      array(select jsonb_array_elements_text(g."blockedCountries")), g."hasDemo", g."hasFreeRounds",
      g."releasedAt", g."recalledAt", g.listed, i.new_games_enabled, g.contribution
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as g(code text, title text, category text, provider text,
      producer text, live boolean, "imageUrl" text, "backgroundUrl" text, platforms jsonb, "blockedCountries" jsonb,
      "hasDemo" boolean, "hasFreeRounds" boolean, "releasedAt" timestamptz, "recalledAt" timestamptz, listed boolean,
      contribution integer)
    join games.integration i on i.id = ${integration}
    on conflict (integration, code) do update set
      title = excluded.title, category = excluded.category, provider = excluded.provider,
      producer = excluded.producer, live = excluded.live, image_url = excluded.image_url,
      background_url = excluded.background_url, platforms = excluded.platforms,
      blocked_countries = excluded.blocked_countries, has_demo = excluded.has_demo,
      has_free_rounds = excluded.has_free_rounds, released_at = excluded.released_at,
      recalled_at = excluded.recalled_at, listed = excluded.listed
  `.execute(trx);
}

type Ending = {
  readonly outcome: ImportOutcome;
  readonly failure: string | null;
  readonly listed?: number;
  readonly unreadable?: number;
  readonly diff?: CatalogueDiff;
};

async function end(trx: Trx, row: Import, ending: Ending): Promise<{ outcome: ImportOutcome }> {
  const { outcome, failure, listed = 0, unreadable = 0 } = ending;
  const diff = ending.diff ?? { added: [], changed: [], withdrawn: [], returned: [] };
  const shown = Object.fromEntries(
    Object.entries(diff).map(([name, codes]) => [name, codes.slice(0, codesShownMax)]),
  );
  await trx
    .updateTable('games.catalogueImport')
    .set({
      state: outcome,
      endedAt: sql<Date>`now()`,
      failure,
      listedCount: listed,
      unreadableCount: unreadable,
      addedCount: diff.added.length,
      changedCount: diff.changed.length,
      withdrawnCount: diff.withdrawn.length,
      returnedCount: diff.returned.length,
      diff: JSON.stringify(shown),
    })
    .where('id', '=', row.id)
    .execute();
  await appendEvent(
    trx,
    {
      type: 'games.catalogue-import.ended',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: {
        importId: row.id,
        integration: row.integration,
        outcome,
        added: diff.added.length,
        changed: diff.changed.length,
        withdrawn: diff.withdrawn.length,
        returned: diff.returned.length,
      },
    },
    {
      actor: { kind: 'workflow', id: `catalogue-import:${row.id}` },
      subject: `catalogue-import:${row.id}`,
    },
  );
  return { outcome };
}
