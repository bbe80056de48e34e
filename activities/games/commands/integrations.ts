/** Writes provider connections: each change a version, each with its deed in the audit trail. Who may is asked before. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Trx } from '#db/connect.ts';
import { fail, succeed, type Result } from '#domain/failures.ts';
import { isWalletDialect, type WalletDialect } from '#domain/games/dialects.ts';
import { checkFlags, defaultFlags, type IntegrationFlags } from '#domain/games/integration-flags.ts';

export type IntegrationConfig = IntegrationFlags & {
  readonly operatorId: string;
  readonly subPartnerId: string | null;
  readonly baseUrl: string;
  readonly callerNetworks: readonly string[];
  readonly newGamesEnabled: boolean;
  readonly importEveryH: number | null;
  readonly enabled: boolean;
};

/** `undefined` keeps what there is. */
export type IntegrationChanges = {
  readonly [K in keyof IntegrationConfig]?: IntegrationConfig[K] | undefined;
};

export type Deed = { readonly operatorId: string; readonly reason: string };

/** With what a dialect starts with. Failure: `invalid-request` for a choice that the dialect does not have. */
export function wholeConfig(
  dialect: WalletDialect,
  config: IntegrationChanges & Pick<IntegrationConfig, 'operatorId' | 'baseUrl'>,
): Result<IntegrationConfig> {
  const whole = {
    subPartnerId: null,
    callerNetworks: [],
    newGamesEnabled: false,
    importEveryH: null,
    enabled: false,
    ...defaultFlags(dialect),
    ...given(config),
  };
  const checked = checkFlags(dialect, whole);
  return checked.ok ? succeed(whole) : checked;
}

export type CreateIntegration = Deed & {
  readonly id: string;
  readonly dialect: WalletDialect;
  readonly brand: string;
  readonly config: IntegrationConfig;
};

/** Failure: `name-taken`. */
export async function createIntegration(
  trx: Trx,
  { id, dialect, brand, config, operatorId, reason }: CreateIntegration,
): Promise<Result<{ readonly version: number }>> {
  const made = await trx
    .insertInto('games.integration')
    .values({ id, dialect, brand, ...config, callerNetworks: [...config.callerNetworks] })
    .onConflict((conflict) => conflict.doNothing())
    .returning('version')
    .executeTakeFirst();
  if (!made) return fail('name-taken', 'There is an integration of this name.');
  await appendEvent(
    trx,
    {
      type: 'games.integration.created',
      version: 1,
      brand,
      playerId: null,
      payload: { integration: id, dialect, version: made.version },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `integration:${id}`, reason },
  );
  return succeed({ version: made.version });
}

/** The row under its lock, at the version that was seen. Failures: `not-found`, `version-outdated`. */
export async function lockIntegration(
  trx: Trx,
  { id, version }: { readonly id: string; readonly version: number },
) {
  const row = await trx
    .selectFrom('games.integration')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!row || !isWalletDialect(row.dialect)) return fail('not-found', 'There is no such integration.');
  if (row.version !== version)
    return fail('version-outdated', `The integration is at version ${row.version} by now.`);
  return succeed({ ...row, dialect: row.dialect });
}

export type ChangeIntegration = Deed & {
  readonly id: string;
  /** The version that was seen; a change made meanwhile by somebody else is not overwritten. */
  readonly version: number;
  readonly changes: IntegrationChanges;
};

/** Failures: `not-found`, `version-outdated`, `invalid-request`. Changing nothing answers with the version there is. */
export async function changeIntegration(
  trx: Trx,
  { id, version, changes, operatorId, reason }: ChangeIntegration,
): Promise<Result<{ readonly version: number }>> {
  const locked = await lockIntegration(trx, { id, version });
  if (!locked.ok) return locked;
  const row = locked.value;
  const wanted = changedFields(row, changes);
  const fields = Object.keys(wanted);
  if (fields.length === 0) return succeed({ version });
  const checked = checkFlags(row.dialect, { ...row, ...wanted });
  if (!checked.ok) return checked;
  const { callerNetworks, ...rest } = wanted;
  const changed = await trx
    .updateTable('games.integration')
    .set({ ...rest, ...(callerNetworks ? { callerNetworks: [...callerNetworks] } : {}) })
    .where('id', '=', id)
    .returning('version')
    .executeTakeFirstOrThrow();
  await appendEvent(
    trx,
    {
      type: 'games.integration.changed',
      version: 1,
      brand: row.brand,
      playerId: null,
      payload: { integration: id, version: changed.version, fields },
    },
    { actor: { kind: 'operator', id: operatorId }, subject: `integration:${id}`, reason },
  );
  return succeed(changed);
}

export type Given = { -readonly [K in keyof IntegrationConfig]?: IntegrationConfig[K] };

const given = <T extends IntegrationChanges>(changes: T): T & Given =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as T & Given;

/** What of `changes` differs from the row, by name. */
export const changedFields = (row: Readonly<Record<string, unknown>>, changes: IntegrationChanges): Given =>
  Object.fromEntries(
    Object.entries(given(changes))
      .filter(([name, value]) => JSON.stringify(row[name]) !== JSON.stringify(value))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
