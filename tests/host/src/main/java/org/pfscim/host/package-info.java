/**
 * Replaces PingFederate's provisioning engine. Loads a deployed connector as the server does, on one flat class path. Reads
 * requests from standard input and calls the SPI of the connector.
 * Does not know: SCIM, directories, the implementation of the connector.
 *
 * <p>Each request is one line, {@code SEQ CALL ARGS}. Each response is one line, {@code SEQ ok ARGS} or {@code SEQ failed
 * ARGS}. Lines {@code - log ARGS} may come between them. ARGS are {@code application/x-www-form-urlencoded} pairs in UTF-8.
 * They are left out if empty. A repeated key is a list.
 *
 * <p>If the documentation of the SPI does not define a behaviour of the server, a mode selects it.
 */
package org.pfscim.host;
