/** The game in the player's browser: a page that can really be played, and the calls behind its button. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { escapeHtml, htmlPage } from '../support/html-page.ts';
import type { PartyApp } from '../support/party-server.ts';
import { findGame } from './catalogue.ts';
import { createPlayReport } from './play-report.ts';
import { playRound } from './play-rounds.ts';
import type { Player, RoundBook, Session } from './round-book.ts';
import { createOutcomeSource } from './slot-outcomes.ts';
import type { WalletCalls } from './wallet-calls.ts';

interface GamePageParts {
  book: RoundBook;
  calls: WalletCalls;
}

const spinBody = z.object({ session: z.string(), stake: z.string().regex(/^\d{1,18}$/) });

/** Nobody in a demo. No token travels in the a8r dialects. */
const playerOf = ({ dialect, token, user, currency, gameCode }: Session): Player | undefined =>
  user === null ? undefined : { dialect, token: token ?? '', user, currency, gameCode };

/** An amount in the wire's unit as decimal text with two places. */
function wireAmountText(amount: bigint, oneUnit: bigint): string {
  const cents = (amount * 100n) / oneUnit;
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
}

export function serveGamePage(app: PartyApp, { book, calls }: GamePageParts): void {
  app.get('/play', (c) => {
    const session = book.findSession(c.req.query('session') ?? '');
    const game = session === undefined ? undefined : findGame(session.gameCode);
    if (session === undefined || game === undefined)
      return c.html(htmlPage('Not found', '<h1>This game session does not exist</h1>'), 404);
    const lobby =
      session.lobbyUrl !== null && /^https?:\/\//.test(session.lobbyUrl)
        ? `<a href="${escapeHtml(session.lobbyUrl)}">Back to the lobby</a>`
        : '';
    return c.html(
      htmlPage(
        game.name,
        `<h1>${escapeHtml(game.name)}</h1>
      <p id="reels" style="font-size:3rem;text-align:center;letter-spacing:.5rem" aria-live="polite">${game.symbols.slice(0, 3).join('')}</p>
      <p>Balance: <strong id="balance">…</strong> ${escapeHtml(session.currency)} <span id="result"></span></p>
      <label for="stake">Stake</label><input id="stake" type="number" min="0.10" step="0.10" value="1.00">
      <button id="spin">Spin</button> ${lobby}
      <script type="module">
        const session = ${JSON.stringify(session.id)}, perCent = ${calls.wireOf(session).oneUnit / 100n}n, symbols = ${JSON.stringify(game.symbols)};
        const show = (id, text) => { document.getElementById(id).textContent = text; };
        const post = async (path, body) => (await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
        const pick = () => symbols[Math.floor(Math.random() * symbols.length)];
        const button = document.getElementById('spin');
        show('balance', (await post('/play/balance', { session })).balance ?? 'unknown');
        button.addEventListener('click', async () => {
          button.disabled = true;
          show('result', '');
          const stake = String(BigInt(Math.round(Number(document.getElementById('stake').value) * 100)) * perCent);
          const spin = await post('/play/spin', { session, stake });
          const first = pick();
          show('reels', spin.won ? first + first + first : symbols[0] + symbols[1] + symbols[2]);
          show('result', spin.taken ? (spin.won ? 'You won ' + spin.win : 'No win') : 'The bet was not accepted: ' + spin.status);
          if (spin.balance) show('balance', spin.balance);
          button.disabled = false;
        });
      </script>`,
      ),
    );
  });

  app.post('/play/balance', async (c) => {
    const { session: id } = z.object({ session: z.string() }).parse(await c.req.json());
    const session = book.findSession(id);
    if (session === undefined) return c.json({ error: 'unknown session' }, 404);
    const player = playerOf(session);
    const balance =
      player === undefined ? session.demoBalance : await calls.balance(player, createPlayReport());
    const { oneUnit } = calls.wireOf(session);
    return c.json({ balance: balance === undefined ? null : wireAmountText(balance, oneUnit) });
  });

  app.post('/play/spin', async (c) => {
    const body = spinBody.safeParse(await c.req.json());
    if (!body.success) return c.json({ error: 'session and stake are required' }, 400);
    const session = book.findSession(body.data.session);
    if (session === undefined) return c.json({ error: 'unknown session' }, 404);
    const stake = BigInt(body.data.stake);
    const outcomes = createOutcomeSource(randomUUID());
    const player = playerOf(session);
    if (player === undefined) return c.json(demoSpin(session, stake));
    const report = createPlayReport();
    const { oneUnit, ok } = calls.wireOf(session);
    const { taken, win } = await playRound(
      book.openRound(player),
      stake,
      outcomes,
      false,
      { book, calls },
      report,
    );
    const { calls: made } = report.toJson();
    const last = made.findLast((call) => call.balance !== null)?.balance ?? null;
    return c.json({
      taken,
      won: win > 0n,
      win: wireAmountText(win, oneUnit),
      status:
        made.find((call) => call.status !== null && (taken || call.status !== ok))?.status ?? 'no answer',
      balance: last === null ? null : wireAmountText(BigInt(last), oneUnit),
    });
  });

  app.get('/replay/:round', (c) => {
    const round = book.findRound(c.req.param('round'));
    if (round === undefined) return c.html(htmlPage('Not found', '<h1>No such round</h1>'), 404);
    const { oneUnit } = calls.wireOf(round);
    const rows = book
      .transactionsOf(round.id)
      .map(
        (transaction) =>
          `<li>${transaction.kind}: ${wireAmountText(transaction.amount, oneUnit)} ${escapeHtml(round.currency)} (${transaction.state})</li>`,
      );
    return c.html(
      htmlPage(
        'Replay',
        `<h1>Round ${escapeHtml(round.id)}</h1><p>${escapeHtml(round.gameCode)}, ${round.status}</p><ul>${rows.join('')}</ul>`,
      ),
    );
  });

  app.get('/art/:file', (c) => {
    const game = findGame(c.req.param('file').replace(/\.svg$/, ''));
    if (game === undefined) return c.notFound();
    const hue = (game.id * 67) % 360;
    return c.body(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240"><rect width="320" height="240" fill="hsl(${hue} 60% 30%)"/>
<text x="160" y="120" font-size="80" text-anchor="middle" dominant-baseline="central">${game.symbols[0] ?? ''}</text>
<text x="160" y="210" font-size="24" text-anchor="middle" fill="#fff" font-family="sans-serif">${escapeHtml(game.name)}</text></svg>`,
      200,
      { 'content-type': 'image/svg+xml' },
    );
  });

  function demoSpin(session: Session, stake: bigint) {
    const { oneUnit } = calls.wireOf(session);
    if (stake > session.demoBalance)
      return {
        taken: false,
        won: false,
        win: '0.00',
        status: 'no demo money left',
        balance: wireAmountText(session.demoBalance, oneUnit),
      };
    const win = (stake * createOutcomeSource(randomUUID()).multiplierHundredths()) / 100n;
    const balance = session.demoBalance - stake + win;
    book.setDemoBalance(session.id, balance);
    return {
      taken: true,
      won: win > 0n,
      win: wireAmountText(win, oneUnit),
      status: 'demo',
      balance: wireAmountText(balance, oneUnit),
    };
  }
}
