/** Play without money: the provider is asked for an address and nothing else happens, no session, no wallet call. */
import type { Database } from '#db/connect.ts';
import { sql } from 'kysely';
import { fail, type Result } from '#domain/failures.ts';
import type { DemoRequest, GameProviders } from '../providers.ts';

export type DemoRule = 'off' | 'signed-in' | 'anyone';

/** Who may play a brand's games without money. Brands that say nothing let signed-in players. */
export async function readDemoRule(
  db: Database,
  integration: string,
): Promise<{ readonly brand: string; readonly rule: DemoRule } | null> {
  const { rows } = await sql<{ brand: string; rule: string | null }>`
    select i.brand, (
      select c.config ->> 'demoPlay' from pam.brand_config c where c.brand = i.brand order by c.version desc limit 1
    ) as rule
    from games.integration i where i.id = ${integration} and i.enabled
  `.execute(db);
  const row = rows[0];
  if (!row) return null;
  return { brand: row.brand, rule: row.rule === 'off' || row.rule === 'anyone' ? row.rule : 'signed-in' };
}

/**
 * Failures: `unknown-game` (not offered, no demo, closed to the country), `provider-lacks-feature`, and those of the
 * provider.
 */
export async function launchDemo(
  deps: { readonly db: Database; readonly gameProviders: GameProviders },
  demo: DemoRequest & { readonly integration: string },
): Promise<Result<string>> {
  const { integration, ...request } = demo;
  const game = await deps.db
    .selectFrom('games.game as g')
    .innerJoin('games.integration as i', 'i.id', 'g.integration')
    .select(['g.blockedCountries', 'g.hasDemo'])
    .where('g.integration', '=', integration)
    .where('g.code', '=', request.game)
    .where('g.playable', '=', true)
    .where('i.enabled', '=', true)
    .executeTakeFirst();
  if (!game || game.hasDemo === false || game.blockedCountries.includes(request.country))
    return fail('unknown-game', 'There is no such game to try.');
  const provider = await deps.gameProviders.get(integration);
  if (!provider) return fail('unknown-game', 'There is no such game to try.');
  if (!provider.demoUrl) return fail('provider-lacks-feature', 'The provider has no play without money.');
  return provider.demoUrl(request);
}
