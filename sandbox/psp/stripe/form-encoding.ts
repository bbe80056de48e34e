/** Stripe's request bodies: form fields with brackets, read into nested objects. */
type FormValue = string | FormObject;
export interface FormObject {
  [name: string]: FormValue;
}

const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

export function parseForm(text: string): FormObject {
  const root: FormObject = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const [first = '', ...rest] = name.split('[');
    const path = [first, ...rest.map((part) => part.replace(/\]$/, ''))];
    if (path.some((part) => forbidden.has(part))) continue;
    let target = root;
    path.slice(0, -1).forEach((part) => {
      const key = part === '' ? String(Object.keys(target).length) : part;
      const inner = target[key];
      target = typeof inner === 'object' ? inner : ((target[key] = {}) as FormObject);
    });
    const last = path.at(-1) ?? '';
    target[last === '' ? String(Object.keys(target).length) : last] = value;
  }
  return root;
}

export function text(form: FormObject, name: string): string | undefined {
  const value = form[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function nested(form: FormObject, name: string): FormObject {
  const value = form[name];
  return typeof value === 'object' ? value : {};
}

/** Lists arrive as numbered fields. */
export function listed(form: FormObject, name: string): string[] {
  return Object.values(nested(form, name)).filter((value) => typeof value === 'string');
}

export function textFields(form: FormObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
