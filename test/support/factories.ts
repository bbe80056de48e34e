/** Rows that many tests need, written to the real tables with the defaults of an ordinary player of the first brand. */
import { randomUUID } from 'node:crypto';
import { openWallet } from '#activities/wallet/player-wallet.ts';
import { postTransfer, type Posted } from '#activities/wallet/post.ts';
import { publishRate } from '#activities/wallet/rates.ts';
import type { Database } from '#db/connect.ts';
import { assets } from '#domain/assets.ts';
import { orThrow } from '#domain/failures.ts';

export type PlayerWish = {
  readonly id?: string;
  readonly brand?: string;
  readonly jurisdiction?: string;
  readonly country?: string;
  /** Code of the wallet's asset. */
  readonly currency?: string;
  readonly status?: 'email-unverified' | 'active' | 'locked' | 'closed';
};

export type TestPlayer = {
  readonly id: string;
  readonly brand: string;
  readonly jurisdiction: string;
  readonly currency: string;
};

/** Units of one euro on the ledger. */
export const oneEuro = 10n ** 12n;

const assetOf = (code: string) => {
  const { kind, network, ledgerScale, payableScale } = assets.get(code) ?? {
    kind: 'fiat',
    network: null,
    ledgerScale: 12,
    payableScale: 2,
  };
  return { code, kind, network, ledgerScale, payableScale };
};

export async function makeAsset(db: Database, code = 'EUR'): Promise<string> {
  await db
    .insertInto('wallet.asset')
    .values(assetOf(code))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return code;
}

export async function makeBrand(db: Database, id = 'aurora'): Promise<string> {
  await db
    .insertInto('pam.brand')
    .values({ id, name: id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return id;
}

/** A player with an open and empty wallet; brand and asset are made when they are missing. */
export async function makePlayer(db: Database, wish: PlayerWish = {}): Promise<TestPlayer> {
  const player = {
    id: wish.id ?? randomUUID(),
    brand: await makeBrand(db, wish.brand),
    jurisdiction: wish.jurisdiction ?? 'MT',
    currency: await makeAsset(db, wish.currency),
  };
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('pam.player')
      .values({
        ...player,
        jurisdictionVersion: 1,
        country: wish.country ?? 'MT',
        status: wish.status ?? 'active',
        emailVerifiedAt: wish.status === 'email-unverified' ? null : new Date(),
        termsVersion: 1,
      })
      .execute();
    await openWallet(trx, {
      playerId: player.id,
      asset: player.currency,
      brand: player.brand,
      jurisdiction: player.jurisdiction,
    });
  });
  return player;
}

/** A wallet of nobody that `pam` knows, with money on it from its first moment: what tests of the ledger alone need. */
export async function makeFundedWallet(
  db: Database,
  amount: bigint,
  { asset = 'EUR', brand = 'aurora' } = {},
): Promise<string> {
  const playerId = randomUUID();
  await db.transaction().execute(async (trx) => {
    await openWallet(trx, { playerId, asset, brand, jurisdiction: 'MT' });
    if (amount === 0n) return;
    orThrow(
      await postTransfer(trx, {
        key: `deposit:${playerId}:capture`,
        playerId,
        asset,
        amount,
        subject: `deposit:${playerId}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    );
  });
  return playerId;
}

/** Money on the player's cash account, as a captured deposit puts it there; `amount` in ledger units. */
export async function makeDeposit(
  db: Database,
  player: TestPlayer,
  amount: bigint = 100n * oneEuro,
): Promise<Posted> {
  const depositId = randomUUID();
  return db.transaction().execute(async (trx) =>
    orThrow(
      await postTransfer(trx, {
        key: `deposit:${depositId}:capture`,
        playerId: player.id,
        asset: player.currency,
        amount,
        subject: `deposit:${depositId}`,
        transfer: { code: 'deposit.capture', psp: 'alpha' },
      }),
    ),
  );
}

/** A rate in force for an hour, as whoever runs the platform would bring it. */
export async function publishTestRate(
  db: Database,
  pair: { readonly soldAsset: string; readonly boughtAsset: string; readonly rate: string },
): Promise<string> {
  const rate = {
    ...pair,
    rateId: randomUUID(),
    source: 'desk',
    quotedAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
    publishedBy: 'system:test',
    fingerprint: Buffer.alloc(32),
  } as const;
  return db.transaction().execute(async (trx) => orThrow(await publishRate(trx, rate)).id);
}
