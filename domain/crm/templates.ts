/** The texts of messages, owned by code until the content module has an editor. */

export const templateNames = [
  'verify-email',
  'verify-email-reminder',
  'password-reset',
  'password-changed',
] as const;
export type TemplateName = (typeof templateNames)[number];

export type MessageText = { readonly subject: string; readonly text: string };

/** Writes a message; the link is the only place where its token ever appears. It is empty for a message without one. */
export function writeMessage(
  template: TemplateName,
  facts: { readonly brand: string; readonly link: string },
): MessageText {
  switch (template) {
    case 'verify-email':
      return {
        subject: `Confirm your e-mail address at ${facts.brand}`,
        text:
          `Welcome to ${facts.brand}.\n\nPlease confirm that this is your address:\n${facts.link}\n\n` +
          'The link works for seven days. If you did not register, you need do nothing.\n',
      };
    case 'verify-email-reminder':
      return {
        subject: `Your registration at ${facts.brand} waits for you`,
        text:
          `Your account at ${facts.brand} is not confirmed yet. Confirm your address here:\n${facts.link}\n\n` +
          'Without it the registration is closed seven days after it was made.\n',
      };
    case 'password-reset':
      return {
        subject: `A new password for your account at ${facts.brand}`,
        text:
          `Somebody, we hope you, asked for a new password at ${facts.brand}. Choose it here:\n${facts.link}\n\n` +
          'The link works once, for half an hour. If you did not ask, you need do nothing: your password stays.\n',
      };
    case 'password-changed':
      return {
        subject: `Your password at ${facts.brand} was changed`,
        text:
          `The password of your account at ${facts.brand} was changed just now, and every session has ended.\n\n` +
          'If that was not you, tell our support at once.\n',
      };
  }
}
