/**
 * Declarations for compiling and testing, never in the connector's jar: the fields of the attribute mapping screen.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.mapping;
