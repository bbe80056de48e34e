/** Tells text that holds a card number, so that one typed into the wrong field is refused before anything keeps it. */

/** A whole run of digits, with at most one space or dash between two; digits inside words and ids are none. */
const runForm = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g;

/** First digits and lengths by which the schemes number their cards (ISO/IEC 7812). */
const schemeForms = [
  /^4(\d{12}|\d{15}|\d{18})$/,
  /^(5[1-5]\d{14}|222[1-9]\d{12}|22[3-9]\d{13}|2[3-6]\d{14}|27[01]\d{13}|2720\d{12})$/,
  /^3[47]\d{13}$/,
  /^3(0[0-59]|[68]\d)\d{11}$/,
  /^35(2[89]|[3-8]\d)\d{12}$/,
  /^6(011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}$/,
  /^(50\d\d|5[6-8]\d\d|6[37]\d\d)\d{9,15}$/,
];

/** An account number in print form has such runs by nature. */
const ibanForm = /^\s*[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\s*$/i;

export function holdsCardNumber(text: string): boolean {
  if (ibanForm.test(text)) return false;
  for (const [run] of text.matchAll(runForm)) {
    const digits = run.replaceAll(/\D/g, '');
    if (schemeForms.some((form) => form.test(digits)) && passesLuhn(digits)) return true;
  }
  return false;
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
