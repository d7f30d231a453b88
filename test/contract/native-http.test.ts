import { contract } from './suite.js';
import { nativeHttp } from './wires/native-http.js';

for (const wire of nativeHttp) contract(wire);
