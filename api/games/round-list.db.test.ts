/** The back office's list of rounds: every round on exactly one page, also those that share their provider's name for them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#test/support/database.ts';
import {
  betBody,
  dialects,
  openWalletDoors,
  betCallOf,
  type WalletDoors,
} from '#test/support/wallet-doors.ts';

let database: TestDatabase;
let doors: WalletDoors;
let support: string;

beforeAll(async () => {
  database = await createTestDatabase();
  doors = await openWalletDoors(database);
  support = await doors.app.signInAs(['support']);
});

afterAll(async () => {
  await doors?.close();
  await database?.drop();
});

type Page = {
  readonly items: { integration: string; round: string; playerId: string }[];
  readonly next: string | null;
};

const page = async (query: string): Promise<{ status: number; body: Page }> => {
  const answer = await doors.app.send('GET', `/admin/v1/rounds?${query}`, undefined, { token: support });
  return { status: answer.status, body: answer.body as unknown as Page };
};

/** A name of 255 characters that need several bytes each: the position of such a round has to be accepted, too. */
const names = ['42', 'ä'.repeat(255)];

test('rounds of one name, of several integrations and players, are each on one page, whatever its size', async () => {
  const players = await Promise.all([doors.player(), doors.player()]);
  const played = dialects.flatMap((dialect) =>
    players.flatMap((player) =>
      names.map((name) => ({ dialect, player, name, key: `${dialect}\n${name}\n${player.id}` })),
    ),
  );
  for (const { dialect, player, name } of played) {
    const word = { 'a8r-v2': 'round_id', 'a8r-v1': 'game_id', hub88: 'round', caleta: 'round' }[dialect];
    const answer = await doors.call(dialect, betCallOf[dialect], betBody(dialect, player, { [word]: name }));
    expect(answer.text).toContain('"balance":');
  }
  for (const limit of [1, 3, 200]) {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { status, body } = await page(`limit=${limit}${after === null ? '' : `&after=${after}`}`);
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(limit);
      seen.push(...body.items.map((one) => `${one.integration}\n${one.round}\n${one.playerId}`));
      after = body.next;
    } while (after !== null);
    expect(seen.toSorted()).toEqual(played.map(({ key }) => key).toSorted());
  }
});

test.each([
  ['a name of a round', '42'],
  ['two parts', Buffer.from('["6e6e2c0c-6d2c-4a39-8d4f-2f0a6f7b7f11","hub88"]').toString('base64url')],
  ['a player that is none', Buffer.from('["nobody","hub88","42"]').toString('base64url')],
  ['a NUL', Buffer.from('["6e6e2c0c-6d2c-4a39-8d4f-2f0a6f7b7f11","hub88","\\u0000"]').toString('base64url')],
])('a position that this list did not give out is refused: %s', async (_what, after) => {
  const { status, body } = await page(`after=${encodeURIComponent(after)}`);
  expect([status, (body as unknown as { code: string }).code]).toEqual([400, 'invalid-request']);
});
