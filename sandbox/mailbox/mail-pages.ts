/** Reading the mailbox: JSON for tests, a plain list for people. */
import { escapeHtml, htmlPage } from '../support/html-page.ts';
import type { PartyApp } from '../support/party-server.ts';
import type { MailStore } from './mail-store.ts';

export function serveMailPages(app: PartyApp, mails: MailStore): void {
  app.get('/messages', (c) => {
    const limit = Number(c.req.query('limit') ?? 100);
    return c.json(
      mails.list(c.req.query('to'), Number.isInteger(limit) && limit > 0 ? Math.min(limit, 1000) : 100),
    );
  });

  app.delete('/messages', (c) => c.json({ deleted: mails.clear() }));

  app.get('/', (c) => {
    const to = c.req.query('to');
    const rows = mails.list(to === '' ? undefined : to, 200).map(
      (mail) => `
      <li><a href="/messages/${mail.id}">${escapeHtml(mail.subject || '(no subject)')}</a><br>
      <span class="note">${escapeHtml(mail.to.join(', '))} · ${new Date(mail.receivedAtMs).toISOString()}</span></li>`,
    );
    return c.html(
      htmlPage(
        'Mailbox',
        `<h1>Mailbox</h1>
      <form><input name="to" placeholder="To" value="${escapeHtml(to ?? '')}"></form>
      <ul>${rows.join('') || '<li>Nothing yet.</li>'}</ul>`,
      ),
    );
  });

  app.get('/messages/:id', (c) => {
    const mail = mails.find(Number(c.req.param('id')));
    if (mail === undefined) return c.html(htmlPage('Not found', '<h1>No such mail</h1>'), 404);
    // The mail's own HTML runs in a frame without scripts, forms or our origin.
    const body =
      mail.html === ''
        ? `<pre style="white-space:pre-wrap">${escapeHtml(mail.text)}</pre>`
        : `<iframe sandbox="allow-popups" style="width:100%;height:50vh;border:0" srcdoc="${escapeHtml(mail.html)}"></iframe>`;
    const links = mail.links
      .filter((link) => /^https?:/.test(link))
      .map((link) => `<li><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></li>`);
    return c.html(
      htmlPage(
        mail.subject,
        `<h1>${escapeHtml(mail.subject)}</h1>
      <p class="note">From ${escapeHtml(mail.from)} to ${escapeHtml(mail.to.join(', '))}</p>${body}<ul>${links.join('')}</ul>`,
      ),
    );
  });
}
