/** What operators ask of the studio in the words of Hub88, and of Caleta after it: games, rounds, free rounds. */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { parseExactJson } from '../support/exact-json.ts';
import { createPartyRoutes, type PartyApp } from '../support/party-server.ts';
import { findGame, games, listedGame } from './catalogue.ts';
import { exactAnswer, exactBody } from './exact-http.ts';
import type { FreeRoundsBook } from './free-rounds-book.ts';
import { serveFreebets } from './freebet-api.ts';
import { isSignedBy } from './hub88-signature.ts';
import type { RoundBook } from './round-book.ts';

export interface RsOperatorParts {
  dialect: 'hub88' | 'caleta';
  header: string;
  /** Where the calls are served; Caleta's operators use either of two. */
  bases: readonly string[];
  book: RoundBook;
  freeRounds: FreeRoundsBook;
  operatorKey: KeyObject;
  operatorId: string;
  publicUrl: () => string;
}

const operator = { operator_id: z.union([z.string(), z.bigint()]).transform(String) };
const anyCall = z.object(operator);
const urlBody = z.object({
  ...operator,
  game_code: z.string(),
  currency: z.string(),
  country: z.string().optional(),
  lang: z.string().optional(),
  lobby_url: z.string().optional(),
  user: z.string().optional(),
  token: z.string().optional(),
  platform: z.string().optional(),
});
const roundBody = z.object({
  ...operator,
  user: z.string().optional(),
  transaction_uuid: z.string().optional(),
  round: z.string().optional(),
});

/** Demo play: the wallet is never called. */
const demoCurrencies = new Set(['XXX', 'FUN']);
const demoBalance = 100_000_000n;

export function serveRsOperatorApi(app: PartyApp, parts: RsOperatorParts): void {
  const { dialect, header, book, operatorKey, operatorId, publicUrl } = parts;
  const api = createPartyRoutes();

  api.use(async (c, next) => {
    const raw = Buffer.from(await c.req.arrayBuffer());
    if (!isSignedBy(raw, c.req.header(header), operatorKey))
      return c.json({ error: 'INVALID_SIGNATURE' }, 403);
    let body: unknown;
    try {
      body = parseExactJson(raw.toString('utf8'));
    } catch {
      return c.json({ error: 'WRONG_SYNTAX' }, 400);
    }
    const known = anyCall.safeParse(body);
    // A reward may be made without naming the operator: the signature has said who it is.
    const isNamed = known.success ? known.data.operator_id === operatorId : c.req.path.includes('/freebet/');
    if (!isNamed) return c.json({ error: 'UNKNOWN_OPERATOR' }, 404);
    return next();
  });

  api.post('/game/list', (c) => c.json(games.map((game) => listedGame(game, publicUrl()))));

  api.post('/game/url', async (c) => {
    const body = urlBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const { game_code: gameCode, currency, user, token, lobby_url: lobbyUrl } = body.data;
    if (findGame(gameCode) === undefined) return c.json({ error: 'UNKNOWN_GAME' }, 404);
    const demo = demoCurrencies.has(currency);
    if (!demo && (user === undefined || token === undefined)) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const session = book.openSession({
      dialect,
      token: demo ? null : (token ?? null),
      user: demo ? null : (user ?? null),
      currency,
      gameCode,
      lobbyUrl: lobbyUrl ?? null,
      demoBalance,
    });
    return c.json({ url: `${publicUrl()}/play?session=${session}` });
  });

  /** `status` and `transactions` are the sandbox's documented extension: Hub88 gives the replay's address only. */
  api.post('/game/round', async (c) => {
    const body = roundBody.safeParse(await exactBody(c));
    if (!body.success) return c.json({ error: 'WRONG_SYNTAX' }, 400);
    const roundId =
      body.data.round ??
      (body.data.transaction_uuid === undefined
        ? undefined
        : book.findTransaction(body.data.transaction_uuid)?.roundId);
    const round = roundId === undefined ? undefined : book.findRound(roundId);
    if (
      round === undefined ||
      round.dialect !== dialect ||
      (body.data.user !== undefined && body.data.user !== round.user)
    )
      return c.json({ error: 'UNKNOWN_ROUND' }, 404);
    const transactions = book
      .transactionsOf(round.id)
      // What the wallet refused never happened; what it has not confirmed did happen here.
      .filter((transaction) => transaction.state !== 'refused')
      .map((transaction) => ({
        transaction_uuid: transaction.uuid,
        reference_transaction_uuid: transaction.referenceUuid,
        kind: transaction.kind,
        amount: transaction.amount,
        ...(transaction.kind === 'win' && transaction.jackpot > 0n
          ? { jackpot_win: transaction.jackpot }
          : {}),
      }));
    return exactAnswer(c, {
      url: `${publicUrl()}/replay/${round.id}`,
      round: round.id,
      status: round.status,
      transactions,
    });
  });

  serveFreebets(api, parts);
  for (const base of parts.bases) app.route(base, api);
}
