/** The library for a script tag: the class is the global `Halley`. */

import { Halley } from './halley.js';

Object.assign(globalThis, { Halley });
