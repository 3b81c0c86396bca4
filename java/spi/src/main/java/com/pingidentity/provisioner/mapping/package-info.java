/**
 * Declarations for compiling and testing, never shipped: the fields of the attribute mapping screen.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package com.pingidentity.provisioner.mapping;
