/** The pages of a new password: a plain form, and what came of it. */
import { html } from 'hono/html';
import { passwordLengthMax, passwordLengthMin } from '#domain/pam/registration.ts';
import { plainPage, type Html } from '../plain-page.ts';

const title = 'A new password';

/** `complaint` is what was wrong with the password before. */
export const newPasswordPage = (token: string, complaint = ''): Html =>
  plainPage(
    title,
    html`<h1>Choose a new password</h1>
      ${complaint === '' ? '' : html`<p role="alert">${complaint}</p>`}
      <form method="post" action="/reset-password">
        <input type="hidden" name="token" value="${token}" />
        <label for="password">New password, at least ${passwordLengthMin} characters</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="new-password"
          required
          minlength="${passwordLengthMin}"
          maxlength="${passwordLengthMax}"
        />
        <button>Save</button>
      </form>`,
  );

const outcomes = {
  done: 'Your new password holds. All sessions have ended; sign in again.',
  link: 'This link is not valid any more. Ask for a new one.',
} as const;

export const passwordOutcomePage = (outcome: keyof typeof outcomes): Html =>
  plainPage(title, html`<h1>${outcomes[outcome]}</h1>`);
