/**
 * Declarations for compiling and testing, never in the connector's jar: templates of new connections.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.templates.connection;
