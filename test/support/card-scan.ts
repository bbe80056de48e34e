/** Looks for card numbers in whatever a platform has left behind: planted ones by their digits, others by form and check digit. */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import validate from 'card-validator';

/** A number of the brand Visa that nobody has used, with a good check digit. */
export function plantedNumber(): string {
  const body = `4${Array.from({ length: 14 }, () => randomInt(10)).join('')}`;
  for (let check = 0; check < 10; check += 1) {
    const number = `${body}${check}`;
    if (validate.number(number).isValid && new Set(number).size > 5) return number;
  }
  return plantedNumber();
}

export type Finding = { readonly place: string; readonly what: string };

/** Planted numbers in the forms that storing them could give them. */
export function findPlanted(text: string, planted: ReadonlyMap<string, string>): readonly string[] {
  const found: string[] = [];
  for (const [name, number] of planted) {
    const forms = [
      number,
      number.replaceAll(/(\d{4})(?=\d)/g, '$1 '),
      Buffer.from(number).toString('base64').slice(0, 20),
      Buffer.from(number).toString('hex'),
    ];
    if (forms.some((form) => text.includes(form))) found.push(name);
  }
  return found;
}

/** Any run of digits outside words that is a card by brand, length and check digit; round amounts repeat too few digits. */
export function findCards(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w.-])\d{13,19}(?![\w.-])/g)]
    .map(([run]) => run)
    .filter((run) => new Set(run).size > 5 && validate.number(run, { luhnValidateUnionPay: true }).isValid);
}

/** Every row of every table of a database, as text. */
export async function readTables(url: string): Promise<readonly { place: string; text: string }[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const tables = [];
    for (const { name } of rows) {
      const content = await client.query<{ line: string }>(`select t::text as line from ${name} t`);
      tables.push({ place: name, text: content.rows.map(({ line }) => line).join('\n') });
    }
    return tables;
  } finally {
    await client.end();
  }
}

/** Every file below `folder` as bytes, so that data files, write-ahead logs and journals are looked at as well. */
export function readFiles(folder: string): readonly { place: string; text: string }[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const place = join(entry.parentPath, entry.name);
      try {
        return [{ place, text: readFileSync(place, 'latin1') }];
      } catch {
        return [];
      }
    });
}
