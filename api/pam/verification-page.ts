/** The two small pages of address verification: a plain form, and what came of it. */
import { html } from 'hono/html';
import { plainPage, type Html } from '../plain-page.ts';

const title = 'Confirm your address';

export const confirmPage = (token: string): Html =>
  plainPage(
    title,
    html`<h1>${title}</h1>
      <form method="post" action="/verify-email">
        <input type="hidden" name="token" value="${token}" /><button>Confirm</button>
      </form>`,
  );

export const outcomePage = (sentence: string): Html => plainPage(title, html`<h1>${sentence}</h1>`);
