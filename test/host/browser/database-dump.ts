/** A whole database as JSON, to keep for later versions of the code and to put back. */
import { openDB } from 'idb';

export interface DatabaseDump {
  readonly version: number;
  readonly objectStores: readonly {
    readonly name: string;
    readonly indexes: readonly {
      readonly name: string;
      readonly keyPath: string;
      readonly multiEntry: boolean;
    }[];
    readonly entries: readonly (readonly [key: IDBValidKey, value: unknown])[];
  }[];
}

export async function restoreDatabase(name: string, { version, objectStores }: DatabaseDump): Promise<void> {
  const database = await openDB(name, version, {
    upgrade: (empty) => {
      for (const { name, indexes } of objectStores) {
        const made = empty.createObjectStore(name);
        for (const { name, keyPath, multiEntry } of indexes) made.createIndex(name, keyPath, { multiEntry });
      }
    },
  });
  for (const { name, entries } of objectStores) {
    for (const [key, value] of entries) await database.put(name, fromJson(value), key);
  }
  database.close();
}

export async function dumpDatabase(name: string): Promise<DatabaseDump> {
  const database = await openDB(name);
  const objectStores = [];
  for (const name of database.objectStoreNames) {
    const { store } = database.transaction(name);
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    const indexes = Array.from(store.indexNames, (index) => {
      const { keyPath, multiEntry } = store.index(index);
      return { name: index, keyPath: String(keyPath), multiEntry };
    });
    const entries = keys.map((key, i) => [key, toJson(values[i])] as const);
    objectStores.push({ name, indexes, entries });
  }
  const { version } = database;
  database.close();
  return { version, objectStores };
}

/** Bytes as `{"bytes": hexadecimal}`. */
function toJson(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return { bytes: Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return value;
  if (typeof value.bytes !== 'string') return value;
  return Uint8Array.from(value.bytes.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
