// What a table's columns are.

export interface Column {
  name: string;
  /** What it means, where the name does not tell. */
  title?: string;
  /** Numbers stand at the right. */
  number?: boolean;
  /** A class for its head. */
  class?: string;
}

/** A column of numbers. */
export const numbers = (name: string, title?: string): Column => ({ name, number: true, title });

/** A column of text. */
export const text = (name: string): Column => ({ name });
