/**
 * Declarations for compiling and testing, never shipped: the checks of the console.
 *
 * <p>See {@code com.pingidentity.provisioner.sdk}.
 */
package org.sourceid.saml20.adapter.gui.validation.impl;
