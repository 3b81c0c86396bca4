/**
 * Declarations for compiling and testing, never shipped: templates of new connections.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.templates.connection;
