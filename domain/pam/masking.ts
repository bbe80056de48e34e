/** Shows enough of a personal datum to recognise it, and not enough to use it. */

/** 'ada.lovelace@example.org' → 'a…@e….org'. */
export function maskEmail(email: string): string {
  const [local = '', host = ''] = email.split('@');
  const dot = host.lastIndexOf('.');
  return `${first(local)}…@${first(host)}…${dot > 0 ? host.slice(dot) : ''}`;
}

/** 'Lovelace' → 'L…'. */
export const maskName = (name: string): string => `${first(name)}…`;

/** '1990-05-17' → '1990-**-**'. */
export const maskDate = (date: string): string => `${date.slice(0, 4)}-**-**`;

const first = (text: string): string => Array.from(text)[0] ?? '';
