/**
 * A stand-in for PingFederate's provisioning engine: it loads a deployed connector as the server does, on one flat class
 * path, and plays SPI calls to it that it reads as lines from standard input.
 *
 * <p>One request a line, {@code SEQ CALL ARGS}; one answer a line, {@code SEQ ok ARGS} or {@code SEQ failed ARGS}, in
 * between {@code - log ARGS}. ARGS are {@code application/x-www-form-urlencoded} pairs in UTF-8, left out where there are
 * none; a repeated key is a list. Where the documentation of the SPI leaves open what the server does, the
 * modes play it either way.
 *
 * <p>The host knows the SPI and nothing of SCIM, of directories or of the connector's insides.
 */
package org.pfscim.host;
