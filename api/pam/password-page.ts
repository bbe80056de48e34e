/** The pages of a new password: no script, nothing loaded, a plain form. */
import { passwordLengthMax, passwordLengthMin } from '#domain/pam/registration.ts';

const page = (body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer"><title>A new password</title></head>` +
  `<body><main>${body}</main></body></html>`;

/** `token` has passed the form of a token; `complaint` is a sentence of ours, never a visitor's. */
export const newPasswordPage = (token: string, complaint = ''): string =>
  page(
    `<h1>Choose a new password</h1>${complaint === '' ? '' : `<p role="alert">${complaint}</p>`}` +
      `<form method="post" action="/reset-password"><input type="hidden" name="token" value="${token}">` +
      `<label for="password">New password, at least ${passwordLengthMin} characters</label> ` +
      `<input id="password" name="password" type="password" autocomplete="new-password" required ` +
      `minlength="${passwordLengthMin}" maxlength="${passwordLengthMax}"> <button>Save</button></form>`,
  );

const outcomes = {
  done: 'Your new password holds. All sessions have ended; sign in again.',
  link: 'This link is not valid any more. Ask for a new one.',
} as const;

export const passwordOutcomePage = (outcome: keyof typeof outcomes): string =>
  page(`<h1>${outcomes[outcome]}</h1>`);
