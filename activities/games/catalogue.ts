/** Connects a provider and its first games to a brand, as the platform's own configuration says. */
import type { ActivityDeps } from '#activities/deps.ts';
import type { Trx } from '#db/connect.ts';
import { traitsOf, type WalletDialect } from '#domain/games/dialects.ts';
import { keepConfiguredKey } from './configured-keys.ts';

export type Studio = {
  readonly id: string;
  readonly dialect: WalletDialect;
  readonly brand: string;
  readonly operatorId: string;
  readonly baseUrl: string;
  /** PEM of an RSA caller: checks what it sends. */
  readonly callerPublicKey?: string | null;
  /** PEM of ours: signs what we send to it. */
  readonly ownPrivateKey?: string | null;
  /** The secret that an a8r caller and we share; checks and signs. */
  readonly callerSecret?: string | null;
  /** Of dialects whose catalogue is a file. */
  readonly catalogueUrl?: string | null;
  readonly importEveryH?: number | null;
  readonly games: readonly {
    readonly code: string;
    readonly title: string;
    readonly category: string;
    readonly wageringContributionBps?: number;
  }[];
};

/**
 * Adds the provider, or brings address and keys up to the configuration; games that are there stay as they are. A key
 * that the configuration no longer names is retired by the one that replaces it.
 */
export async function connectStudio(
  trx: Trx,
  { games, callerPublicKey, ownPrivateKey, callerSecret, ...integration }: Studio,
  keyRing: ActivityDeps['keyRing'],
): Promise<void> {
  const { choosesBalanceOnRefusal, tokensRotate, namesPlayers } = traitsOf(integration.dialect);
  await trx
    .insertInto('games.integration')
    .values({
      ...integration,
      balanceOnInsufficientFunds: choosesBalanceOnRefusal,
      tokensRotate,
      sharesPersonalData: namesPlayers,
    })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        baseUrl: integration.baseUrl,
        operatorId: integration.operatorId,
        ...(integration.catalogueUrl === undefined ? {} : { catalogueUrl: integration.catalogueUrl }),
      }),
    )
    .execute();
  const keys = [
    ['rsa-public', callerPublicKey],
    ['rsa-private', ownPrivateKey],
    ['hmac-secret', callerSecret],
  ] as const;
  for (const [kind, material] of keys) {
    if (material) await keepConfiguredKey(trx, keyRing, integration.id, kind, material);
  }
  if (games.length === 0) return;
  await trx
    .insertInto('games.game')
    .values(games.map((game) => ({ integration: integration.id, ...game })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
