/** The 3-D Secure page the player's browser is sent to: a real form with two buttons and a way back to the shop. */
import { escapeHtml, htmlPage } from '../support/html-page.ts';
import type { PartyApp } from '../support/party-server.ts';
import type { Dialect, Psp } from './psp.ts';

export const challengeUrl = (psp: Psp, token: string) => `${psp.publicUrl()}/challenge/${token}`;

/** Minor units as a person reads them, without passing through a float. */
function displayedAmount(amount: number, currency: string): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  const text = String(amount).padStart(digits + 1, '0');
  return `${digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`} ${currency}`;
}

export function serveChallenge(app: PartyApp, psp: Psp, dialect: Dialect): void {
  app.get('/challenge/:token', (c) => {
    const payment = psp.payments.findChallenge(c.req.param('token'));
    if (payment === undefined) return c.html(htmlPage('Not found', '<h1>This page does not exist</h1>'), 404);
    const amount = displayedAmount(payment.amount, payment.currency);
    const wallet = psp.payments.walletOf(payment.id);
    return c.html(
      htmlPage(
        'Confirm your payment',
        `
      <h1>${wallet === undefined ? 'Your bank asks you to confirm' : `Pay with ${escapeHtml(wallet)}`}</h1>
      <p>Amount: <strong>${escapeHtml(amount)}</strong></p>
      <form method="post" action="/challenge/${escapeHtml(c.req.param('token'))}">
        <button name="outcome" value="pass">Confirm payment</button>
        <button class="secondary" name="outcome" value="fail">Refuse</button>
      </form>`,
      ),
    );
  });

  app.post('/challenge/:token', async (c) => {
    const form = await c.req.parseBody();
    const outcome = form['outcome'];
    if (outcome !== 'pass' && outcome !== 'fail')
      return c.html(htmlPage('Not understood', '<h1>Choose one of the two</h1>'), 400);
    const next = psp.store.transaction(() => {
      const payment = psp.payments.findChallenge(c.req.param('token'));
      if (payment === undefined) return undefined;
      // Pressing twice, or going back, changes nothing: only a waiting challenge is decided.
      return { url: dialect.finishChallenge(payment, outcome === 'pass', psp) };
    });
    if (next === undefined) return c.html(htmlPage('Not found', '<h1>This page does not exist</h1>'), 404);
    if (next.url === undefined) return c.html(htmlPage('Done', '<h1>Done. You may close this page.</h1>'));
    return c.redirect(next.url, 303);
  });
}
