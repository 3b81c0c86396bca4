/**
 * Declarations for compiling and testing, never shipped: checks of configured values.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui.validation;
