/** Makes and changes provider connections: each change a version, each with its deed in the audit trail. */
import { appendEvent } from '#activities/compliance/append-event.ts';
import type { Database } from '#db/connect.ts';
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

type Deed = { readonly operatorId: string; readonly reason: string };

export type CreateIntegration = Deed & {
  readonly id: string;
  readonly dialect: WalletDialect;
  readonly brand: string;
  readonly config: IntegrationChanges & Pick<IntegrationConfig, 'operatorId' | 'baseUrl'>;
};

/** Failures: `unknown-brand`, `name-taken`, `invalid-request` for a choice that the dialect does not have. */
export async function createIntegration(
  db: Database,
  { id, dialect, brand, config, operatorId, reason }: CreateIntegration,
): Promise<Result<{ readonly version: number }>> {
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
  if (!checked.ok) return checked;
  return db.transaction().execute(async (trx) => {
    const known = await trx.selectFrom('pam.brand').select('id').where('id', '=', brand).executeTakeFirst();
    if (!known) return fail('unknown-brand', 'There is no such brand.');
    const made = await trx
      .insertInto('games.integration')
      .values({ id, dialect, brand, ...whole, callerNetworks: [...whole.callerNetworks] })
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
  });
}

export type ChangeIntegration = Deed & {
  readonly id: string;
  /** The version that was seen; a change made meanwhile by somebody else is not overwritten. */
  readonly version: number;
  readonly changes: IntegrationChanges;
};

/** Failures: `not-found`, `version-outdated`, `invalid-request`. Changing nothing answers with the version there is. */
export async function changeIntegration(
  db: Database,
  { id, version, changes, operatorId, reason }: ChangeIntegration,
): Promise<Result<{ readonly version: number }>> {
  return db.transaction().execute(async (trx) => {
    const row = await trx
      .selectFrom('games.integration')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!row || !isWalletDialect(row.dialect)) return fail('not-found', 'There is no such integration.');
    if (row.version !== version)
      return fail('version-outdated', `The integration is at version ${row.version} by now.`);
    const fields = changedFields(row, changes);
    if (fields.length === 0) return succeed({ version });
    const wanted = given(changes);
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
        payload: { integration: id, version: changed.version, fields: [...fields] },
      },
      { actor: { kind: 'operator', id: operatorId }, subject: `integration:${id}`, reason },
    );
    return succeed(changed);
  });
}

type Given = { -readonly [K in keyof IntegrationConfig]?: IntegrationConfig[K] };

const given = <T extends IntegrationChanges>(changes: T): T & Given =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as T & Given;

const changedFields = (
  row: Readonly<Record<string, unknown>>,
  changes: IntegrationChanges,
): readonly string[] =>
  Object.entries(changes)
    .flatMap(([name, value]) =>
      value === undefined || JSON.stringify(row[name]) === JSON.stringify(value) ? [] : [name],
    )
    .toSorted();
